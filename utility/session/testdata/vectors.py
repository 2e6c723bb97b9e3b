#!/usr/bin/env python3
"""Writes sessions.json beside itself: session ids and members, by the rules of DESIGN section 4 and nothing else."""
import hashlib
import json
import pathlib


def sha3(data):
    return hashlib.sha3_256(data)


def session_id(chain_id, start_height, previous_block_hash, relay_chain, geo_zone, application_public_key):
    fields = [chain_id.encode(), start_height.to_bytes(8, "big"), bytes.fromhex(previous_block_hash),
              relay_chain.encode(), geo_zone.encode(), bytes.fromhex(application_public_key)]
    return sha3(b"".join(len(field).to_bytes(4, "big") + field for field in fields)).hexdigest()


def members(session, candidates, n, fixed_at):
    addresses = [address for address, since in candidates if since <= fixed_at]
    return sorted(addresses, key=lambda a: (sha3(bytes.fromhex(session) + bytes.fromhex(a)).digest(), a))[:n]


def label(text, size):
    return hashlib.sha256(text.encode()).hexdigest()[:2 * size]


def vector(name, chain_id, start_height, previous, relay_chain, geo_zone, candidates, n, blocks=1, newcomers=()):
    """newcomers are since when the first candidates are what they are; all others are so since the genesis."""
    inputs = {"chain_id": chain_id, "start_height": start_height,
              "previous_block_hash": previous, "relay_chain": relay_chain, "geo_zone": geo_zone,
              "application_public_key": label("application " + name, 32)}
    session = session_id(**inputs)
    addresses = [label(f"{name} {i}", 20) for i in range(candidates)]
    since = list(newcomers) + [0] * (candidates - len(newcomers))
    return {"name": name, **inputs, "blocks_per_session": blocks, "candidates": addresses, "since": since, "n": n,
            "id": session, "members": members(session, zip(addresses, since), n, max(0, start_height - blocks - 1))}


vectors = [
    vector("first session", "localnet-1", 0, "", "0001", "local", 6, 24, 10, [1, 0, 9]),
    vector("later session", "localnet-1", 10, label("block 9", 32), "0001", "local", 6, 24, 10, [1, 9, 10]),
    vector("fixed a session before", "localnet-1", 30, label("block 29", 32), "0001", "local", 8, 24, 10,
           [19, 20, 21, 29, 30, 31]),
    vector("fixed, one block a session", "localnet-1", 30, label("block 29", 32), "0001", "local", 8, 3, 1, [27, 28, 29, 30]),
    vector("more candidates than places", "pocket-main.7", 123_456_780, label("block 123456779", 32),
           "F0A1", "eu-west-1", 40, 24),
    vector("largest height", "x", 2**63 - 1, label("block", 32), "FFFF", "z" * 32, 3, 2),
    vector("nobody", "localnet-1", 20, label("block 19", 32), "0002", "local", 0, 24),
]
path = pathlib.Path(__file__).with_name("sessions.json")
path.write_text(json.dumps(vectors, indent=2) + "\n")

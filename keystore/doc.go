// Package keystore keeps private keys on disk, each encrypted with a passphrase in a file of its own. Its central type
// is Store, a directory of such files: Put encrypts a key and writes it, Key reads and opens it, Entry and List return
// what is known without the passphrase, Export and Import move a key as the encrypted file, Delete removes it. Keys are
// ed25519 (Put, Key) or secp256k1 (PutAccount, Account); a file says which.
//
// A key file is JSON (see file) around an age file for one scrypt recipient. What is outside the encryption (address,
// public key, label) is checked against what is inside when the key is opened. Files are read with bounds on their size
// and on the work that opening them may take, so that a hostile file costs no more than a valid one.
package keystore

package crypto

// VerifyOnce reports what Verify reports, but does not look again at a signature that the tables refuse. Where strangers send
// signatures, wrong ones must not cost more than right ones.
func (v *Verifier) VerifyOnce(domain Domain, body, value []byte) bool {
	if !v.used.Swap(true) {
		return Verify(v.publicKey, domain, body, value)
	}
	return v.fits(domain, body, value)
}

// Package localnet holds the LocalNet in pods (k8s) and in containers (compose.yaml), their image (Dockerfile), and
// tests that need neither: they run the image's content in an empty root, and the nodes that the manifests describe as
// processes.
package localnet

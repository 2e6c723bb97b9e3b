// Package localnet holds the LocalNet in pods (k8s) and in containers (compose.yaml), their image (Dockerfile), and tests
// that need neither: the image's content runs in an empty root, and the nodes that the manifests describe run as processes.
package localnet

// Program k8s runs the checks of build/localnet that need neither Docker nor a cluster: it renders manifests as
// 'kubectl kustomize' does, checks them strictly against the schemas of Kubernetes' own objects, and checks a compose
// file against the schema of the compose specification.
package main

#!/usr/bin/env bash
# Runs the LocalNet in Kubernetes: k8s.sh up | k8s.sh down. The Makefile's targets localnet_k8s_up and localnet_k8s_down
# call it. Settings come from the environment:
#
#   LOADER      how the image gets into the cluster: kind (default), k3s, minikube, or none if it is there
#   CLUSTER     name of the cluster of kind and of minikube (kind, minikube)
#   VALIDATORS, SERVICERS, BLOCK_TIME, BLOCKS_PER_SESSION, CHECKS_PER_SESSION
#               the network's numbers (see k8s/localnet.env)
#   VANTAGE     1 for three fishermen, NATS on three servers and a collector (see k8s-vantage)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

image=pocket-fisherman:localnet
namespace=pocket-localnet
loader=${LOADER:-kind}
vantage=${VANTAGE:-}
made=
roles="validator servicer fisherman"

fail() {
	echo "localnet_k8s: $1" >&2
	exit 1
}

# need fails with one clear line if a program is missing.
need() {
	command -v "$1" >/dev/null || fail "$1 is not installed; $2"
}

# load loads the image into the cluster.
load() {
	case $loader in
	kind) kind load docker-image --name "${CLUSTER:-kind}" "$image" ;;
	minikube) minikube image load --profile "${CLUSTER:-minikube}" "$image" ;;
	k3s) docker save "$image" | sudo k3s ctr images import - ;;
	none) ;;
	esac
}

# check_tools checks that all tools exist before anything is changed.
check_tools() {
	need kubectl "see https://kubernetes.io/docs/tasks/tools"
	case $loader in
	kind | minikube | k3s)
		need "$loader" "install it, or choose another with LOADER=kind, k3s, minikube or none"
		need docker "it builds the image; LOADER=none takes one that the cluster has"
		;;
	none) ;;
	*) fail "LOADER is '$loader'; it is kind, k3s, minikube or none" ;;
	esac
}

# check_number fails unless the value is a number from 1 to a maximum.
check_number() {
	if [[ ! $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -gt "$3" ]; then
		fail "$1 is '$2'; it is a number from 1 to $3"
	fi
}

# manifests copies the manifests and sets the numbers that were given.
manifests() {
	local name value line
	made=$(mktemp -d)
	trap 'rm -rf "$made"' EXIT
	cp -R k8s k8s-vantage "$made"
	: >"$made/k8s/localnet.env"
	while IFS= read -r line; do
		name=${line%%=*}
		value=${!name:-${line#*=}}
		case $name in
		VALIDATORS) check_number "$name" "$value" 64 ;;
		SERVICERS) check_number "$name" "$value" 256 ;;
		*_PER_SESSION) check_number "$name" "$value" 10000 ;;
		esac
		echo "$name=$value" >>"$made/k8s/localnet.env"
	done <k8s/localnet.env
	overlay=k8s
	numbers=("$made/k8s/localnet.env")
	if [ -n "$vantage" ]; then
		overlay=k8s-vantage
		numbers+=("$made/k8s-vantage/vantage.env")
		roles="validator nats collector servicer fisherman"
	fi
}

# number prints a number of the network. What the overlay says goes before.
number() {
	local line found=
	while IFS= read -r line; do
		if [ "${line%%=*}" = "$1" ]; then
			found=${line#*=}
		fi
	done < <(cat "${numbers[@]}")
	echo "$found"
}

# check_network fails if the numbers differ from those of the running network: a network does not change.
check_network() {
	local line name running wanted
	kubectl get namespace "$namespace" >/dev/null 2>&1 || return 0
	while IFS= read -r line; do
		name=${line%%=*}
		wanted=$(number "$name")
		running=$(kubectl --namespace "$namespace" get configmap localnet --ignore-not-found --output "jsonpath={.data.$name}")
		if [ -n "$running" ] && [ "$running" != "$wanted" ]; then
			fail "the network in the cluster has $name=$running, not $wanted; run 'make localnet_k8s_down' first"
		fi
	done <"$made/k8s/localnet.env"
}

up() {
	check_tools
	manifests
	kubectl version >/dev/null 2>&1 || fail "no cluster answers; start one, as with 'kind create cluster', and look at 'kubectl cluster-info'"
	check_network
	if [ "$loader" != none ]; then
		docker build --file Dockerfile --tag "$image" ../.. || fail "the image cannot be built; is Docker running?"
	fi
	load || fail "the image cannot be loaded by $loader; does the cluster run?"
	kubectl apply --kustomize "$made/$overlay"
	for role in $roles; do
		kubectl --namespace "$namespace" rollout status "statefulset/$role" --timeout 5m ||
			fail "the nodes are not ready; look at 'kubectl --namespace $namespace get pods'"
	done
	cat <<-END

		The network runs. Look at it from another terminal, and then at what the fisherman measures:
		  kubectl --namespace $namespace port-forward statefulset/fisherman 50832
		  bin/pocket fisherman qos
	END
	if [ -n "$vantage" ]; then
		cat <<-END
			and at what the collector merges of all three:
			  kubectl --namespace $namespace port-forward statefulset/collector 50834:50832
			  bin/pocket fisherman qos --api http://127.0.0.1:50834
		END
	fi
}

down() {
	need kubectl "see https://kubernetes.io/docs/tasks/tools"
	kubectl delete namespace "$namespace" --ignore-not-found
}

case ${1:-} in
up) up ;;
down) down ;;
*) fail "usage: k8s.sh up | k8s.sh down" ;;
esac

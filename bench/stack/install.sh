#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: Redis with Sentinel,
# PostgreSQL, Java and the jars of Apache Kafka, Chromium with Korean letters and
# what tests in it use, a C compiler for the race detector. Says what it
# installs and why; what is there is left alone. The services are not started:
# the tests start their own, on free loopback ports.
set -euo pipefail
cd "$(dirname "$0")"

kafka=4.4.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/firstcome
jars=${FIRSTCOME_KAFKA_JARS:-$cache/kafka-$kafka}
# Named after the lists of what is in it: another version is another folder.
tools=${FIRSTCOME_BROWSER_TOOLS:-$cache/browser-$(cat package-lock.json requirements.txt | sha256sum | head -c 12)}
packages=()
say() { printf 'install: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
need() { # need <why> <package>...
	say "$1: installing ${*:2}"
	packages+=("${@:2}")
}

has cc || need "the race detector links with a C compiler" gcc libc6-dev
has redis-server || need "the gate is tested on a real Redis" redis-server
has redis-sentinel || need "failover is tested with three real Sentinels" redis-sentinel
if ! has initdb && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	need "the ledger is tested on a real PostgreSQL" postgresql
fi

# Kafka 4 needs Java 17 or later.
java_version() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }
java=$(has java && java_version || true)
if [ "${java:-0}" -lt 17 ]; then
	need "Apache Kafka runs on Java 17 or later" openjdk-17-jre-headless
fi
kafka_missing=
if ! compgen -G "$jars/kafka_2.13-$kafka.jar" >/dev/null; then
	kafka_missing=yes
	has mvn || need "Maven fetches the jars of Apache Kafka" maven
fi

# The pages are tried in a real browser, in Korean too; axe and other clients of
# event streams come from npm and PyPI, each with its sum.
if ! has chromium && ! has chromium-browser && ! has google-chrome; then
	need "the pages are tried in a real browser" chromium
fi
[ -n "$(fc-list :lang=ko family 2>/dev/null || true)" ] || need "screenshots have Korean letters" fontconfig fonts-noto-cjk
tools_missing=
if ! [ -d "$tools" ]; then
	tools_missing=yes
	has node || need "a client of event streams runs in Node" nodejs
	has npm || need "npm fetches axe and a client of event streams" npm
	has python3 || need "two clients of event streams run in Python" python3
	has python3 && python3 -m pip --version >/dev/null 2>&1 || need "pip fetches two clients of event streams" python3-pip
fi

if [ ${#packages[@]} -gt 0 ]; then
	if ! has apt-get; then
		say "this is not Debian or Ubuntu: please install the equivalents of: ${packages[*]}"
		exit 1
	fi
	sudo=()
	if [ "$(id -u)" != 0 ]; then
		has sudo || { say "please run as root: apt-get install ${packages[*]}"; exit 1; }
		sudo=(sudo)
	fi
	# Packages must not start services by themselves while they are installed.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
		"${sudo[@]}" chmod 755 $policy
		trap '"${sudo[@]}" rm -f $policy' EXIT
	fi
	"${sudo[@]}" apt-get update -qq
	for i in "${!packages[@]}"; do # a later Debian has a later Java only
		if [ "${packages[$i]}" = openjdk-17-jre-headless ] && ! apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then
			packages[i]=default-jre-headless
		fi
	done
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
fi

if [ -n "$kafka_missing" ]; then
	say "the log is tested on a real broker: fetching Apache Kafka $kafka (43 MB) into $jars"
	mkdir -p "$(dirname "$jars")"
	half=$(mktemp -d "$(dirname "$jars")/half.XXXXXX")
	mvn -q -B -f pom.xml dependency:copy-dependencies -DoutputDirectory="$half" >&2
	mkdir -p "$jars"
	mv "$half"/*.jar "$jars"/
	rmdir "$half"
fi

if [ -n "$tools_missing" ]; then
	say "the pages are held against axe, the stream against other clients: fetching them into $tools"
	mkdir -p "$(dirname "$tools")"
	half=$(mktemp -d "$(dirname "$tools")/half.XXXXXX")
	cp package.json package-lock.json "$half"
	npm ci --prefix "$half" --ignore-scripts --no-audit --no-fund --silent >&2
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
		--require-hashes --only-binary :all: --no-deps --target "$half/python" -r requirements.txt >&2
	mv "$half" "$tools"
fi
say "everything the tests need is here"

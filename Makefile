# `make help` lists what there is. Everything needs a Rust toolchain and sets up the rest by itself.

.DEFAULT_GOAL := help
.PHONY: help demo test bench pictures lint docs container home-assistant

# Given to the program: make demo ARGS="--toys 10"
ARGS ?=

help: ## list what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## broker, simulated toys and bridge on this machine; nothing else is needed
	@scripts/need.sh cargo cc
	cargo run --quiet --features demo -- demo $(ARGS)

test: ## all tests, with a real broker, a real D-Bus and a real browser
	@scripts/need.sh cargo cc curl mosquitto mosquitto_pub dbus-daemon python3
	@scripts/need.sh chromium || echo "no Chromium: the tests of the panel in a browser are skipped"
	PATH="$$PATH:/usr/sbin:/usr/local/sbin" TOY2MQTT_REQUIRE_PYTHON=1 cargo test --all-features

bench: ## measure what the README claims, beside an earlier build
	@scripts/need.sh cargo cc mosquitto dbus-daemon
	@# TOY2MQTT_BEFORE= leaves the earlier build out.
	PATH="$$PATH:/usr/sbin:/usr/local/sbin" \
		TOY2MQTT_BEFORE="$${TOY2MQTT_BEFORE-$$(scripts/before.sh)}" cargo bench

pictures: ## take the pictures of the panel in docs/images
	@scripts/need.sh cargo cc mosquitto chromium
	PATH="$$PATH:/usr/sbin:/usr/local/sbin" TOY2MQTT_REQUIRE_BROWSER=1 \
		TOY2MQTT_PICTURES="$(CURDIR)/docs/images" \
		cargo test --all-features --test panel -- pictures

lint: ## format, clippy, documentation, generated files, dependencies
	@scripts/need.sh cargo cc rustfmt clippy
	cargo fmt --check
	cargo clippy --all-targets --all-features -- -D warnings
	@# What can be left out can be left out.
	cargo clippy --no-default-features -- -D warnings
	@# The documentation is for who works on the program: private parts belong to it.
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" \
		cargo doc --no-deps --all-features --document-private-items
	scripts/docs.sh --check
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny check bans licenses sources; \
	else \
		echo "cargo-deny is not installed: dependencies are not checked"; \
	fi

container: ## build the image without a registry, and start it (as root; buildah, musl-tools)
	@scripts/need.sh cargo cc mosquitto mosquitto_pub
	scripts/container.sh

home-assistant: ## run against the real Home Assistant, two versions of it (fetches 500 MB)
	@scripts/need.sh cargo cc mosquitto python3-venv
	scripts/home-assistant.sh $(ARGS)

docs: ## write the files that are made from the program
	@scripts/need.sh cargo cc
	scripts/docs.sh

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The real node_exporter serves the metrics of a boot, and the alerts fire.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	rules=$top/monitoring/kho.rules.yml
	PATH=${KHO_PROMETHEUS:+$KHO_PROMETHEUS:}$PATH
	command -v promtool >/dev/null || skip "promtool is not installed; scripts/test unit fetches it"
	cp "$rules" "$BATS_TEST_TMPDIR/"
}

teardown() {
	[[ ! ${exporter:-} ]] || kill "$exporter"
}

@test "each alert fires when it should, and not otherwise" {
	run -0 promtool check rules "$rules"
	[[ $output == *"SUCCESS: 9 rules found"* ]]
	cp "$BATS_TEST_DIRNAME/monitoring.rules.yml" "$BATS_TEST_TMPDIR/tests.yml"
	run -0 promtool test rules "$BATS_TEST_TMPDIR/tests.yml"
	# the test fails for an alert that does not fire
	sed -i 's/kho_dma_unclaimed > 0/kho_dma_unclaimed > 3/' "$BATS_TEST_TMPDIR/kho.rules.yml"
	run -1 promtool test rules "$BATS_TEST_TMPDIR/tests.yml"
}

# Prints the metrics of FOLDER like a Prometheus server gets them, from a free port.
scrape() { # FOLDER
	local port
	for port in {19100..19120}; do
		prometheus-node-exporter --collector.disable-defaults --collector.textfile \
			--collector.textfile.directory="$1" --web.disable-exporter-metrics \
			--web.listen-address="127.0.0.1:$port" 3>&- >"$BATS_TEST_TMPDIR/exporter.log" 2>&1 &
		exporter=$!
		for _ in {1..50}; do
			kill -0 "$exporter" 2>/dev/null || break
			# accept only its own answer, because another program may listen there
			if grep -q "address=127.0.0.1:$port" "$BATS_TEST_TMPDIR/exporter.log" &&
				/usr/bin/python3 -c 'import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1]).read().decode())' \
					"http://127.0.0.1:$port/metrics" >"$BATS_TEST_TMPDIR/scraped" 2>/dev/null; then
				return 0
			fi
			sleep 0.2
		done
		exporter=
	done
	cat "$BATS_TEST_TMPDIR/exporter.log"
	return 1
}

@test "the real node_exporter serves the file of a damaged boot, and the alerts fire on it" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect damaged=$BATS_TEST_TMPDIR/damaged
	local root=$BATS_TEST_TMPDIR/root textfiles=$BATS_TEST_TMPDIR/textfiles series
	local machine=(--sysroot="$root" --dir="$root/run" --core="$damaged")
	mkdir -p "$root"/{dev,proc} "$textfiles"
	touch "$root/proc/cmdline" "$root/dev/kmsg"
	"$KHO_BUILDDIR/lab/kho-damage" as-live "$fixtures/v4-incoming-unclaimed.khosnap" "$damaged.live"
	"$KHO_BUILDDIR/lab/kho-damage" in-fate-failed "$damaged.live" "$damaged"
	run -13 "$inspect" boot-check "${machine[@]}"
	[[ $output == "warn incoming state: error: error K502: "* ]]
	run -13 "$inspect" boot-check --stage=claims "${machine[@]}"
	[[ $output == "warn claims: error: 4 unclaimed, "* ]]
	grep -q '<3>kho: incoming state: error: error K502: ' "$root/dev/kmsg"
	run -0 "$inspect" boot-report "${machine[@]}" --textfile="$textfiles/kho.prom"
	scrape "$textfiles"
	grep -qx 'kho_boot_status{status="error"} 1' "$BATS_TEST_TMPDIR/scraped"
	grep -qx 'kho_dma_unclaimed{side="incoming"} 4' "$BATS_TEST_TMPDIR/scraped"
	grep -qE '^kho_report_time_seconds [1-9]' "$BATS_TEST_TMPDIR/scraped"
	grep -qx 'node_textfile_scrape_error 0' "$BATS_TEST_TMPDIR/scraped"

	# the scraped values for two hours, like a server stores them
	series=$(sed -nE 's/^(kho_[a-z_]+)(\{(.*)\})? ([0-9.e+]+)$/      - { series: '"'"'\1{instance="host",\3}'"'"', values: "\4x30" }/p' "$BATS_TEST_TMPDIR/scraped" |
		sed 's/,}/}/')
	cat >"$BATS_TEST_TMPDIR/scraped.yml" <<-END
		rule_files: [kho.rules.yml]
		evaluation_interval: 5m
		tests:
		  - interval: 5m
		    input_series:
		$series
		    promql_expr_test:
		      - expr: count by (alertname) (ALERTS{alertstate="firing",instance="host"})
		        eval_time: 2h
		        exp_samples:
		          - { labels: '{alertname="KhoStateError"}', value: 1 }
		          - { labels: '{alertname="KhoUnclaimed"}', value: 1 }
	END
	run -0 promtool test rules "$BATS_TEST_TMPDIR/scraped.yml"
}

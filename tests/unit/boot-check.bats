#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kho-inspect boot-check: the word, the findings and the exit status, for every recorded state
# and every named damage of it.

bats_require_minimum_version 1.5.0

setup() {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
}

@test "boot-check: every fixture, every damage, every kind of machine" {
	local damage=$KHO_BUILDDIR/lab/kho-damage fixtures=$BATS_TEST_DIRNAME/../fixtures
	local list fixture arguments=()
	while read -r list fixture; do
		[ "$list" != - ] || list=
		mkdir "$BATS_TEST_TMPDIR/damaged$list"
		"$damage" "--list$list" >"$BATS_TEST_TMPDIR/list$list"
		"$damage" "--all$list" "$fixtures/$fixture.khosnap" "$BATS_TEST_TMPDIR/damaged$list"
		arguments+=("$BATS_TEST_TMPDIR/list$list" "$BATS_TEST_TMPDIR/damaged$list")
	done <<-END
		-in v4-incoming-unclaimed
		- v4-outgoing
		-v1 v1-outgoing
		-luo v4-stock-outgoing
	END
	mkdir "$BATS_TEST_TMPDIR/box"
	run -0 "$KHO_BUILDDIR/tests/unit/test-boot-check" "$fixtures" "$BATS_TEST_TMPDIR/box" "${arguments[@]}"
	[[ $output == *" checks, "*" damages" ]]
}

@test "the units of the running system give up what they do not need" {
	local unit
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	for unit in kho-report kho-metrics; do
		run -0 systemd-analyze security --offline=true --threshold=30 \
			"$KHO_BUILDDIR/monitoring/$unit.service"
	done
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Runs bats files and counts. What was announced and did not run has failed.

SUITE_PASSED=0
SUITE_FAILED=0
SUITE_SKIPPED=0

suite_count() {
	local tap=$1 line planned="" seen=0
	while IFS= read -r line; do
		case $line in
		"not ok "*)
			SUITE_FAILED=$((SUITE_FAILED + 1))
			seen=$((seen + 1))
			;;
		"ok "*" # skip"*)
			SUITE_SKIPPED=$((SUITE_SKIPPED + 1))
			seen=$((seen + 1))
			;;
		"ok "*)
			SUITE_PASSED=$((SUITE_PASSED + 1))
			seen=$((seen + 1))
			;;
		1..*) planned=${line#1..} ;;
		esac
	done <"$tap"

	if [[ ! $planned =~ ^[1-9][0-9]*$ ]]; then
		note "bats announced no tests: something is wrong with the files or with bats"
		SUITE_FAILED=$((SUITE_FAILED + 1))
	elif ((seen < planned)); then
		note "$((planned - seen)) of $planned announced tests did not run"
		SUITE_FAILED=$((SUITE_FAILED + planned - seen))
	fi
}

# suite_run NAME FILE...: shows results as they come. As many files at a time as there
# are processors; the tests of one file share what it set up, so they take turns.
suite_run() {
	local name=$1 tap status=0 before=$SUITE_FAILED start=$SECONDS jobs=${KHO_TEST_JOBS:-$(nproc)}
	local parallel=()
	shift
	# bats takes this from two on only
	((jobs < 2)) || parallel=(--jobs "$jobs" --no-parallelize-within-files)
	note "== $name =="
	tap=$(mktemp "${TMPDIR:-/tmp}/kho-tap.XXXXXX")
	bats --formatter tap --timing "${parallel[@]}" "$@" 2>&1 | tee "$tap" || status=${PIPESTATUS[0]}
	suite_count "$tap"
	rm -f "$tap"
	if ((status && SUITE_FAILED == before)); then
		note "bats ended with status $status and told of no failure"
		SUITE_FAILED=$((SUITE_FAILED + 1))
	fi
	note "$name: $((SECONDS - start)) s"
}

# The closing line; false when anything failed.
suite_summary() {
	printf '%d passed, %d failed, %d skipped\n' "$SUITE_PASSED" "$SUITE_FAILED" "$SUITE_SKIPPED"
	((SUITE_FAILED == 0))
}

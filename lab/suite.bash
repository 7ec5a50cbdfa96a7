# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Runs bats files and counts results. A test that bats announced and did not run has failed.

SUITE_PASSED=0
SUITE_FAILED=0
SUITE_SKIPPED=0
# a line "milliseconds title (suite)" for every test
SUITE_TIMES=()

suite_count() {
	local tap=$1 name=$2 line planned="" seen=0
	while IFS= read -r line; do
		[[ ! $line =~ ^(not )?ok\ [0-9]+\ (.*)\ in\ ([0-9]+)ms ]] ||
			SUITE_TIMES+=("${BASH_REMATCH[3]} ${BASH_REMATCH[2]} ($name)")
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
		note "bats announced no tests: check the files and bats"
		SUITE_FAILED=$((SUITE_FAILED + 1))
	elif ((seen < planned)); then
		note "$((planned - seen)) of $planned announced tests did not run"
		SUITE_FAILED=$((SUITE_FAILED + planned - seen))
	fi
}

# suite_files FILE...: prints the bats files; a folder stands for those in it. Files with the line
# "# slow: starts first" come first, so that no processor waits for them at the end.
suite_files() {
	local file
	local -a files=() slow=()
	for file; do
		if [[ -d $file ]]; then
			files+=("$file"/*.bats)
		else
			files+=("$file")
		fi
	done
	mapfile -t slow < <(grep -lx '# slow: starts first' "${files[@]}" 2>/dev/null)
	printf '%s\n' "${slow[@]}" "${files[@]}" | awk 'NF && !seen[$0]++'
}

# suite_run NAME FILE...: runs the files, one a processor, and shows results at once. The tests of
# a file take turns, because they share its set-up.
suite_run() {
	local name=$1 tap status=0 before=$SUITE_FAILED start=$SECONDS jobs=${KHO_TEST_JOBS:-$(nproc)}
	local parallel=() files
	shift
	mapfile -t files < <(suite_files "$@")
	# bats accepts only two or more
	((jobs < 2)) || parallel=(--jobs "$jobs" --no-parallelize-within-files)
	note "== $name =="
	tap=$(mktemp "${TMPDIR:-/tmp}/kho-tap.XXXXXX")
	bats --formatter tap --timing "${parallel[@]}" "${files[@]}" 2>&1 | tee "$tap" || status=${PIPESTATUS[0]}
	suite_count "$tap" "$name"
	rm -f "$tap"
	if ((status && SUITE_FAILED == before)); then
		note "bats ended with status $status and reported no failure"
		SUITE_FAILED=$((SUITE_FAILED + 1))
	fi
	note "$name: $((SECONDS - start)) s"
}

# Prints the slowest tests of all suites.
suite_slowest() {
	((${#SUITE_TIMES[@]})) || return 0
	note "the slowest tests:"
	printf '%s\n' "${SUITE_TIMES[@]}" | sort -rn | awk 'NR <= 10 {
		ms = $1; sub(/^[0-9]+ /, ""); printf "%8.1f s  %s\n", ms / 1000, $0 }' >&2
}

# Prints the closing line. False if anything failed.
suite_summary() {
	suite_slowest
	printf '%d passed, %d failed, %d skipped\n' "$SUITE_PASSED" "$SUITE_FAILED" "$SUITE_SKIPPED"
	((SUITE_FAILED == 0))
}

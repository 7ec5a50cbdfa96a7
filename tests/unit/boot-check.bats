#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kho-inspect boot-check: the word, the findings and the exit status, for every recorded state
# and every named damage of it.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "boot-check: every fixture, every damage, every kind of machine" {
	local list fixture arguments=() unsealed=$BATS_TEST_TMPDIR/fixtures
	# the fixture lacks sealed content
	cp -r "$fixtures" "$unsealed"
	for fixture in v4-outgoing v4-incoming-unclaimed; do
		"$damage" as-live "$top/tests/fixtures/$fixture.khosnap" "$unsealed/$fixture.khosnap"
	done
	while read -r list fixture; do
		[ "$list" != - ] || list=
		mkdir "$BATS_TEST_TMPDIR/damaged$list"
		"$damage" "--list$list" >"$BATS_TEST_TMPDIR/list$list"
		"$damage" "--all$list" "$unsealed/$fixture.khosnap" "$BATS_TEST_TMPDIR/damaged$list"
		arguments+=("$BATS_TEST_TMPDIR/list$list" "$BATS_TEST_TMPDIR/damaged$list")
	done <<-END
		-in v4-incoming-unclaimed
		- v4-outgoing
		-v1 v1-outgoing
		-luo v4-stock-outgoing
	END
	mkdir "$BATS_TEST_TMPDIR/box"
	run -0 "$KHO_BUILDDIR/tests/unit/test-boot-check" "$unsealed" "$BATS_TEST_TMPDIR/box" "${arguments[@]}"
	[[ $output == *" checks, "*" damages" ]]
	# the reports of all those boots
	/usr/bin/python3 - "$top/tools/kho-inspect/kho-inspect.schema.json" "$BATS_TEST_TMPDIR/box" <<-'END'
		import json, pathlib, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		validator = jsonschema.validators.validator_for(schema)(schema)
		reports = [path for name in ("report.json", "claims.json")
		           for path in pathlib.Path(sys.argv[2]).rglob(name) if path.is_file()]
		assert len(reports) > 100, len(reports)
		for path in reports:
		    validator.validate(json.loads(path.read_text()))
	END
}

@test "an empty folder or command line is misuse, and nothing is written" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect misuse
	for misuse in "boot-check --dir=" "boot-check --cmdline=" "boot-report --dir=" "boot-check --stage=claims --dir="; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$inspect" $misuse --sysroot="$BATS_TEST_TMPDIR"
		[ -z "$output" ]
		[[ $stderr == *"Try kho-inspect boot-"* ]]
	done
	[ ! -e /status ]
}

@test "a file of options that does not exist is named" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
	mkdir -p "$BATS_TEST_TMPDIR/sys/kernel/boot_params"
	: >"$BATS_TEST_TMPDIR/sys/kernel/boot_params/version"
	run -12 --separate-stderr "$inspect" boot-check --sysroot="$BATS_TEST_TMPDIR" --dir="$BATS_TEST_TMPDIR/run" --cmdline=/none/options
	[[ $output == "warn incoming state: unknown: cannot read /none/options: No such file or directory; "* ]]
}

@test "output that cannot be written does not change the exit status, and is told" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect box=$BATS_TEST_TMPDIR
	local core=$BATS_TEST_TMPDIR/core
	"$damage" as-live "$fixtures/v4-incoming-unclaimed.khosnap" "$core"
	mkdir -p "$box/proc" "$box/dev"
	: >"$box/dev/kmsg"
	echo rd.kho.expect=99,99999 >"$box/fatal"
	echo rd.kho.polcy=halt >"$box/clean"
	# shellcheck disable=SC2317 # called through run
	check() { "$inspect" boot-check --sysroot="$box" --dir="$box/run" --core="$core" --cmdline="$box/$1" >/dev/full; }
	run -15 check fatal
	[[ $output == *"cannot write the action for the hook to the standard output"* ]]
	grep -q '^<3>kho: cannot write the action' "$box/dev/kmsg"
	grep -q '^fatal ' "$box/run/status"
	run -0 check clean
	[[ $output == *"cannot write the action"* ]]
}

@test "boot-report names a folder and a file of any bytes as text" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect bad=$'h\xff\x9b\x1b[31m'
	cd "$BATS_TEST_TMPDIR"
	run -2 --separate-stderr "$inspect" boot-report --dir="$bad"
	[[ $stderr == *'h\xff\x9b\x1b[31m does not exist'* ]]
	run ! grep -qP '[^ -~]' <<<"$stderr"
	mkdir "$bad"
	echo "not a finding" >"$bad/findings"
	run -1 --separate-stderr "$inspect" boot-report --dir="$bad" --journal --sysroot=. --textfile="$bad.none/file"
	[[ $stderr == *'h\xff\x9b\x1b[31m/findings is not complete'*'cannot write h\xff\x9b\x1b[31m.none/file: '* ]]
	run ! grep -qP '[^ -~]' <<<"$stderr"
}

@test "boot-check names no folder of reports that it cannot write" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect box=$BATS_TEST_TMPDIR
	local core=$BATS_TEST_TMPDIR/core
	"$damage" as-live "$fixtures/v4-incoming-unclaimed.khosnap" "$core"
	: >"$box/file"
	echo rd.kho=1 >"$box/options"
	run -12 --separate-stderr "$inspect" boot-check --sysroot="$box" --dir="$box/file/run" --core="$core" --cmdline="$box/options"
	[[ $output == *"cannot create "*"the rules are in kho-rules(7)" ]]
	[[ $output != *"the reports are in"* ]]
}

@test "boot-report does not write metrics over the files of boot-check" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect name
	cd "$BATS_TEST_TMPDIR"
	mkdir kho
	ln -s kho link
	ln -s kho/status file
	echo "clean all is well" >kho/status
	for name in kho/status link/status file "$PWD/kho/other"; do
		run -1 --separate-stderr "$inspect" boot-report --dir=kho --sysroot=. --textfile="$name"
		[[ $stderr == *"cannot write $name: the folder is that of boot-check's report. Change KHO_TEXTFILE."* ]]
		[ "$(<kho/status)" = "clean all is well" ]
		[ ! -e kho/other ]
	done
}

@test "metrics of boot-report are not ok for content that the first check did not judge or found changed" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect kind status expected
	local live=$BATS_TEST_TMPDIR/live
	local -A core
	cd "$BATS_TEST_TMPDIR"
	mkdir dev proc
	touch dev/kmsg proc/cmdline
	"$damage" as-live "$fixtures/v4-incoming-unclaimed.khosnap" "$live"
	"$damage" content-changed "$live" "$live.changed"
	core=([sound]=$live [lost]=$live [cut]=$live [changed]=$live.changed
		[absent]=$fixtures/v4-incoming-unclaimed.khosnap)
	while read -r kind status expected; do
		run -"$status" "$inspect" boot-check --sysroot=. --dir="$kind" --core="${core[$kind]}"
		case $kind in
		lost) rm lost/findings ;;
		cut) printf 'unknown K413' >cut/findings ;;
		esac
		run -0 "$inspect" boot-report --sysroot=. --dir="$kind" --core="${core[$kind]}" --textfile="$kind.prom"
		run -0 sed -nE 's/^kho_verify_(ok|unevaluated|findings)\{.*\} /\1=/p' "$kind.prom"
		echo "$kind: ${lines[*]}"
		[ "${lines[*]}" = "$expected" ]
	done <<-END
		sound 0 findings=0 findings=5 findings=0 findings=0 unevaluated=0 ok=1
		lost 0 findings=0 findings=5 findings=0 findings=0 unevaluated=1 ok=0
		cut 0 findings=0 findings=5 findings=0 findings=0 unevaluated=1 ok=0
		changed 15 findings=0 findings=5 findings=1 findings=1 unevaluated=0 ok=0
		absent 12 findings=0 findings=5 findings=0 findings=0 unevaluated=1 ok=0
	END
}

@test "boot-report does not write metrics over a file that it reads" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect name
	cd "$BATS_TEST_TMPDIR"
	mkdir kho proc sys
	echo "clean all is well" >kho/status
	cp "$fixtures/v4-incoming-unclaimed.khosnap" in.snap
	cp in.snap proc/kcore
	echo text >sys/file
	ln -s in.snap link
	for name in in.snap ./in.snap link proc/kcore proc/new sys/file; do
		run -1 --separate-stderr "$inspect" boot-report --dir=kho --sysroot=. --core in.snap --textfile="$name"
		[[ $stderr == *"cannot write $name: it would replace a file that is read. Change KHO_TEXTFILE."* ]]
	done
	cmp in.snap "$fixtures/v4-incoming-unclaimed.khosnap"
	cmp in.snap proc/kcore
	[ "$(<sys/file)" = text ]
	[ ! -e proc/new ]
	run -1 --separate-stderr "$inspect" boot-report --dir=kho --sysroot="$PWD" --textfile=proc/kcore
	[[ $stderr == *"it would replace a file that is read"* ]]
	cmp in.snap proc/kcore
}

# They would be lost: the process that writes them has no standard output.
@test "boot-report refuses a textfile that is not a regular file, and names it" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect name
	cd "$BATS_TEST_TMPDIR"
	mkdir kho
	echo "clean all is well" >kho/status
	mkfifo fifo
	for name in - /dev/stdout /dev/null fifo; do
		# shellcheck disable=SC2016 # the other shell expands it
		run -1 --separate-stderr sh -c '"$0" boot-report --dir=kho --sysroot=. --textfile="$1" >out' "$inspect" "$name"
		[[ $stderr == *"cannot write $name: "*"node_exporter reads a regular file"* ]]
		[ ! -s out ]
	done
	[ ! -e ./- ]
}

@test "the units of the running system give up what they do not need" {
	local unit
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	for unit in kho-report kho-metrics; do
		run -0 systemd-analyze security --offline=true --threshold=30 \
			"$KHO_BUILDDIR/monitoring/$unit.service"
	done
}

@test "what reads the state has a limit on memory, gives up system calls, and dies with its parent" {
	local inspect=${KHO_BUILDDIR%/*}/main/tools/kho-inspect/.libs/kho-inspect box=$BATS_TEST_TMPDIR/box parent child=
	# sanitizers map terabytes
	[ -x "$inspect" ] || skip "the build without sanitizers is not in $inspect"
	mkdir -p "$box"/sys/kernel/boot_params/setup_data/0 "$box"/sys/kernel/debug/kho/in "$box/proc"
	echo 0xa >"$box/sys/kernel/boot_params/setup_data/0/type"
	: >"$box/proc/cmdline"
	: >"$box/proc/kcore"
	# a file that does not answer
	gcc -shared -fPIC -x c -o "$BATS_TEST_TMPDIR/stall.so" - <<-END
		#include <poll.h>
		#include <unistd.h>
		ssize_t pread(int fd, void *buf, size_t size, off_t at)
		{
			for (;;)
				poll(0, 0, 1000);
		}
	END
	LD_PRELOAD=$BATS_TEST_TMPDIR/stall.so LD_LIBRARY_PATH=${KHO_BUILDDIR%/*}/main/libkho/.libs "$inspect" boot-check --sysroot="$box" --dir="$box/run" --timeout=60 3>&- &
	parent=$!
	for _ in {1..100}; do
		child=$(pgrep -P "$parent") && grep -qx 'Seccomp:[[:space:]]*2' "/proc/$child/status" && break
		sleep 0.1
	done
	grep -qx 'Seccomp:[[:space:]]*2' "/proc/$child/status"
	grep -Eq '^Max data size +[0-9]+ +[0-9]+ +bytes' "/proc/$child/limits"
	grep -Eq '^Max core file size +0 +0' "/proc/$child/limits"
	kill -KILL "$parent"
	for _ in {1..100}; do
		# nobody may have asked for its status yet
		grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$child/status" || return 0
		sleep 0.1
	done
	return 1
}

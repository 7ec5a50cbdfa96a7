#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Long operations show their progress, on a terminal only.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	dump=$BATS_TEST_TMPDIR/dump
}

# on_terminal COMMAND...: prints the standard error of the command on a terminal. Stops the program
# for more than a second, several times after it has opened the dump, so that it takes that long.
on_terminal() {
	/usr/bin/python3 - "$dump" "$@" <<-'END'
		import os, pty, select, signal, subprocess, sys, time
		control, terminal = pty.openpty()
		dump = os.path.realpath(sys.argv[1])
		child = subprocess.Popen(sys.argv[2:], stdout=open("output", "w"), stderr=terminal)
		os.close(terminal)
		def is_open():
		    try:
		        folder = "/proc/%d/fd" % child.pid
		        return any(os.readlink(os.path.join(folder, fd)) == dump for fd in os.listdir(folder))
		    except OSError:
		        return False
		while child.poll() is None and not is_open():
		    pass
		# until it prints something, because its progress is otherwise unknown; it runs longer each time
		running = 0.004
		while child.poll() is None and not select.select([control], [], [], 0)[0]:
		    time.sleep(running)
		    running *= 1.5
		    child.send_signal(signal.SIGSTOP)
		    time.sleep(1.1)
		    child.send_signal(signal.SIGCONT)
		text = b""
		try:
		    while piece := os.read(control, 4096):
		        text += piece
		except OSError:
		    pass  # the other end is closed
		sys.stdout.buffer.write(text)
		sys.exit(child.wait())
	END
}

@test "verify and snapshot report progress up to the end, and not too often" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 5000 "$dump"
	"$KHO_BUILDDIR/tests/unit/test-progress" "$dump" "$BATS_TEST_TMPDIR/snapshot"
	"$KHO_BUILDDIR/tests/bench/bench-dump" 3 "$dump"
	"$KHO_BUILDDIR/tests/unit/test-progress" "$dump" "$BATS_TEST_TMPDIR/snapshot"
}

@test "a terminal shows a bar, which disappears at the end" {
	local command pid pids=()
	cd "$BATS_TEST_TMPDIR"
	"$KHO_BUILDDIR/tests/bench/bench-dump" 200000 "$dump"
	# all at once, because they are stopped most of the time
	for command in verify map "diff $dump" "list --json" "ranges --json" "snapshot -o snapshot"; do
		mkdir "${command%% *}"
		# shellcheck disable=SC2086 # more than one word
		(cd "${command%% *}" && on_terminal "$inspect" $command --core "$dump" >seen) 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	for command in verify map diff list ranges snapshot; do
		echo "$command"
		grep -qE $'\r[a-z ]+ \\[#+ *\\] +[0-9]+%' "$command/seen"
		[ "$(tail -c 4 "$command/seen" | od -An -tx1 | tr -d ' \n')" = 0d1b5b4b ]
	done
	jq -e '.ranges | length > 1000' ranges/output
}

@test "a file gets no bar" {
	cd "$BATS_TEST_TMPDIR"
	"$KHO_BUILDDIR/tests/bench/bench-dump" 200000 "$dump"
	"$inspect" list --core "$dump" >output 2>seen
	[ ! -s seen ]
}

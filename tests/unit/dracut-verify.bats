#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The pre-udev hook: what becomes of every answer of kho-inspect.
#
# shellcheck disable=SC2317 # functions are called by name
# shellcheck disable=SC2016 # what stands in single quotes is for another shell

bats_require_minimum_version 1.5.0
load dracut-helpers

K413='sealed content of record 3 changed'

@test "a cold boot is silent, runs no kho-inspect and ends as none" {
	cold() {
		run_hooks "$1" kho-verify.sh
		status_is none "nothing was handed over"
		not_called kho-inspect
		not_called warn
		not_called info
		[ ! -s "$BOX/kmsg" ]
		[ "$(ls "$BOX/run/initramfs/kho")" = status ]
	}
	in_every_shell cold
}

@test "debugfs is mounted for the check and unmounted again" {
	mounts() {
		hand_over
		run_hooks "$1" kho-verify.sh
		called "mount -t debugfs"
		called "umount $BOX/debug"
	}
	in_every_shell mounts
}

@test "debugfs that was mounted before stays as it is" {
	keeps() {
		touch "$BOX/mounted"
		mkdir -p "$BOX/debug/kho/in"
		run_hooks "$1" kho-verify.sh
		status_is clean
		not_called "mount -t"
		not_called "umount"
	}
	in_every_shell keeps
}

@test "state without findings is clean: report, one line in the log, nothing on the console" {
	clean() {
		hand_over
		run_hooks "$1" kho-verify.sh
		status_is clean "0 errors"
		status_is clean "3 records of 20 pages"
		called "kho-inspect verify --in --json"
		not_called "--expect"
		kmsg_is '<6>kho: incoming state: clean: *'
		not_called warn
		cmp "$BOX/inspect.out" "$BOX/run/initramfs/kho/report.json"
		[ ! -e "$BOX/run/initramfs/kho/report.json.err" ]
	}
	in_every_shell clean
}

@test "the report is for root only, the status for everybody" {
	modes() {
		hand_over
		run_hooks "$1" kho-verify.sh
		[ "$(stat -c %a "$BOX/run/initramfs/kho/report.json")" = 600 ]
		[ "$(stat -c %a "$BOX/run/initramfs/kho/status")" = 644 ]
	}
	umask 022
	in_every_shell modes
}

@test "information alone is clean, and not shown on the console" {
	information() {
		hand_over
		inspect_says 0 "$(report "$(finding K512 info "state changed after the load")")"
		run_hooks "$1" kho-verify.sh
		status_is clean
		not_called warn
	}
	in_every_shell information
}

@test "a warning is a warning on the console, and no shell opens" {
	warns() {
		hand_over
		cmdline rd.kho.policy=shell
		inspect_says 0 "$(report "$(finding K203 warning "scratch is nearly full")")"
		run_hooks "$1" kho-verify.sh
		status_is warning "K203: scratch is nearly full"
		called "warn kho: warning K203: scratch is nearly full"
		kmsg_is '<4>kho: incoming state: warning: *'
		not_called emergency_shell
	}
	in_every_shell warns
}

@test "an error is told on the console and in the log, with the kernel's own words kept" {
	errors() {
		hand_over
		echo 'KHO: found kexec handover data.' >> "$BOX/dmesg"
		inspect_says 1 "$(report "$(finding K413 error "$K413")" "$(finding K203 warning "w")")"
		run_hooks "$1" kho-verify.sh
		status_is error "error K413: $K413; 0 fatal, 1 errors, 1 warnings, 0 not judged, in 3 records"
		called "warn kho: error K413: $K413"
		called "warn kho: warning K203: w"
		kmsg_is '<3>kho: incoming state: error: *'
		[ "$(cat "$BOX/run/initramfs/kho/dmesg")" = 'KHO: found kexec handover data.' ]
		not_called emergency_shell
	}
	in_every_shell errors
}

@test "the worst finding gives the word, wherever it stands" {
	worst() {
		hand_over
		inspect_says 1 "$(report "$(finding K203 warning w)" "$(finding K101 fatal "no map")" \
			"$(finding K413 error e)")"
		run_hooks "$1" kho-verify.sh
		status_is fatal "fatal K101: no map"
	}
	in_every_shell worst
}

@test "a rule that could not be judged makes it unknown, never clean" {
	unjudged() {
		hand_over
		inspect_says 1 "$(report "$(finding K413 error "page is not readable" true)")"
		run_hooks "$1" kho-verify.sh
		status_is unknown "1 not judged"
		called "warn kho: error K413: not judged: page is not readable"
		kmsg_is '<3>kho: incoming state: unknown: *'
	}
	in_every_shell unjudged
}

@test "a promise is handed to kho-inspect, and its loss is absent" {
	lost() {
		cmdline rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "3 records of generation 17 were expected")")"
		run_hooks "$1" kho-verify.sh
		called "kho-inspect verify --in --json --expect=3,17"
		status_is absent "K510: 3 records of generation 17 were expected"
		kmsg_is '<3>kho: incoming state: absent: *'
		[ -e "$BOX/run/initramfs/kho/dmesg" ]
	}
	in_every_shell lost
}

@test "an argument with blanks and stars stays one argument" {
	quoting() {
		cmdline 'rd.kho.expect=* 1'
		inspect_says 2 "" "kho-inspect: --expect takes COUNT,GENERATION: * 1. Try kho-inspect --help."
		command_in_box kho-inspect 'echo "$# arguments, last $4" >> "$BOX/calls"
echo "kho-inspect: --expect takes COUNT,GENERATION" >&2; exit 2'
		run_hooks "$1" kho-verify.sh
		called "4 arguments, last --expect=* 1"
		status_is unknown "--expect takes COUNT,GENERATION"
	}
	in_every_shell quoting
}

@test "kho-inspect that cannot tell leaves unknown, its reason and no report" {
	cannot() {
		hand_over
		inspect_says 2 "" "kho-inspect: cannot open /proc/kcore: no such file"
		run_hooks "$1" kho-verify.sh
		status_is unknown "cannot open /proc/kcore"
		called "warn kho: incoming state: unknown"
		[ ! -e "$BOX/run/initramfs/kho/report.json" ]
		grep -q kcore "$BOX/run/initramfs/kho/report.json.err"
	}
	in_every_shell cannot
}

@test "kho-inspect that dies is unknown" {
	dies() {
		hand_over
		command_in_box kho-inspect 'kill -SEGV $$'
		run_hooks "$1" kho-verify.sh
		status_is unknown "status 139"
	}
	in_every_shell dies
}

@test "an initramfs without kho-inspect is unknown, and loud, even when nothing was handed over" {
	missing() {
		local tool
		rm "$BOX/bin/kho-inspect"
		mkdir "$BOX/tools"
		for tool in bash dash busybox cat grep mkdir mv rm sed touch; do
			ln -s "$(command -v "$tool")" "$BOX/tools/$tool"
		done
		(PATH=$BOX/tools run_hooks "$1" kho-verify.sh)
		status_is unknown "kho-inspect is missing"
		called "warn kho: incoming state: unknown: kho-inspect is missing"
	}
	in_every_shell missing
}

@test "status 0 with an empty, a cut or a contradicting report is unknown" {
	incomplete() {
		local text
		for text in "" "{" "$(report | head -n 8)" "$(report | jq '.summary.error = 1')" \
			"$(report "$(finding K413 error e)" | jq '.findings = []')" \
			"$(report | jq -c .)"; do
			new_box again
			hand_over
			inspect_says 0 "$text"
			run_hooks "$1" kho-verify.sh
			status_is unknown "is not complete"
		done
	}
	in_every_shell incomplete
}

@test "status 1 with a report that says nothing is unknown" {
	contradiction() {
		hand_over
		inspect_says 1 "$(report)"
		run_hooks "$1" kho-verify.sh
		status_is unknown "its report does not tell"
	}
	in_every_shell contradiction
}

@test "what kho-inspect prints is read finding by finding, as it says it" {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
	local damaged=$BATS_TEST_TMPDIR/damaged
	export REPORT=$BATS_TEST_TMPDIR/report.json
	"$KHO_BUILDDIR/lab/kho-damage" record-crc "$KHO_TESTS/../fixtures/v4-incoming-unclaimed.khosnap" "$damaged"
	run -1 --separate-stderr "$KHO_BUILDDIR/tools/kho-inspect/kho-inspect" verify --in --json --claims --core "$damaged"
	printf '%s\n' "$output" > "$REPORT"
	# each kind of line is there
	jq -e '[.findings[] | .unevaluated] | any and (all | not)' "$REPORT"
	jq -e '[.findings[] | .rule] | contains(["K405", "K501"])' "$REPORT"
	jq -r '.findings[] | "\(.addr) \(.record_id) \(.severity) \(.rule): \(if .unevaluated then "not judged: " else "" end)\(.message)"' \
		"$REPORT" > "$BATS_TEST_TMPDIR/findings"
	as_it_says() {
		$1 -c '. "$KHO_MODULE/kho-lib.sh"; kho_lines_of "$REPORT"' | sed 's/^[^ ]* //' | diff - "$BATS_TEST_TMPDIR/findings"
	}
	in_every_shell as_it_says
}

@test "no escape sequence, backslash or foreign byte of a report reaches the console" {
	hostile() {
		hand_over
		inspect_says 1 "$(report "$(finding K404 error "$(printf 'tag \033[2J\\033c "x" \302\233 \303\244 $(touch %s/pwned)\nrule' "$BOX")")")"
		run_hooks "$1" kho-verify.sh
		status_is error
		! LC_ALL=C grep -q '[^ -~]' "$BOX/calls" || fail_with "a byte came through" || return 1
		! grep -q '[\]' "$BOX/calls" || fail_with "a backslash came through" || return 1
		called '"x"'
		[ ! -e "$BOX/pwned" ]
	}
	in_every_shell hostile
}

@test "many findings are cut on the console and complete in the report" {
	many() {
		local i findings=()
		for i in {1..20}; do findings+=("$(finding K404 error "record $i")"); done
		hand_over
		inspect_says 1 "$(report "${findings[@]}")"
		run_hooks "$1" kho-verify.sh
		[ "$(grep -c 'warn kho: error K404' "$BOX/calls")" -eq 12 ]
		called "warn kho: and 8 more"
	}
	in_every_shell many
}

# SHELL NUMBER: how many processes a boot with so many findings starts, at both checks.
processes_with() {
	local findings name
	new_box many
	hand_over
	findings=$(report "$(finding K501 warning "record 1 has not been claimed")" \
		| jq --argjson n "$2" '.findings = [range($n) as $i | .findings[0] + {record_id: $i}] | .summary.warning = $n')
	inspect_says 0 "$(report "$(finding K203 warning w)")"
	claims_say 0 "$findings"
	for name in sed sort comm mv rm; do
		command_in_box "$name" "echo '$name' >> \"\$BOX/started\"; exec $(command -v "$name") \"\$@\""
	done
	run_hooks "$1" kho-verify.sh kho-claims.sh
	status_is warning "claims: warning: $2 unclaimed"
	called "warn kho: and $(($2 - 12)) more"
	wc -l < "$BOX/started"
}

@test "thousands of findings keep a boot no longer than a few" {
	local shell few many
	# busybox prefers its own applets to what is on PATH
	for shell in bash dash; do
		few=$(processes_with "$shell" 20)
		many=$(processes_with "$shell" 5000)
		[ "$few" -gt 0 ]
		[ "$many" -eq "$few" ]
	done
}

@test "of many findings the worst are shown, and first" {
	order() {
		local i findings=()
		for i in {1..20}; do findings+=("$(finding K203 warning "remark $i")"); done
		findings+=("$(finding K413 error e)" "$(finding K101 fatal f)")
		hand_over
		inspect_says 1 "$(report "${findings[@]}")"
		run_hooks "$1" kho-verify.sh
		grep '^warn kho: [a-z]* K' "$BOX/calls" | cut -d' ' -f4 | head -n 3 | diff - <(printf '%s\n' K101: K413: K203:)
		called "warn kho: and 10 more"
	}
	in_every_shell order
}

@test "a promise of which nothing can be seen is unknown: it may have come" {
	unseen() {
		hand_over
		cmdline rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "3 records of generation 17 were expected: no debugfs" true)")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is unknown "fatal K510: not judged: 3 records of generation 17 were expected: no debugfs; the kernel"
		not_called "--claims"
	}
	in_every_shell unseen
}

@test "text that looks like a class, a verdict or a member is text" {
	disguised() {
		hand_over
		inspect_says 1 "$(report "$(finding K404 error 'not judged: x K501: ", "severity": "info')")"
		run_hooks "$1" kho-verify.sh
		status_is error 'error K404: not judged: x K501: ", "severity": "info;'
	}
	in_every_shell disguised
}

@test "the line in the kernel log fits into a record of it" {
	long() {
		hand_over
		inspect_says 1 "$(report "$(finding K404 error "$(printf 'x%.0s' {1..2000})")")"
		run_hooks "$1" kho-verify.sh
		[ "$(wc -c < "$BOX/kmsg")" -lt 1000 ]
	}
	in_every_shell long
}

# What can be seen of a hand-over before kho-inspect is asked.
leave_sign() { # setup_data|tree|TEXT
	case $1 in
		setup_data)
			mkdir -p "$BOX/boot_params/setup_data/0" "$BOX/boot_params/setup_data/1"
			echo 0x9 > "$BOX/boot_params/setup_data/0/type"
			echo 0xa > "$BOX/boot_params/setup_data/1/type"
			;;
		tree)
			mkdir "$BOX/chosen"
			touch "$BOX/chosen/linux,kho-fdt"
			;;
		*) echo "[    0.1] $1" >> "$BOX/dmesg" ;;
	esac
}

@test "handed over and certainly not taken is absent: debugfs has kho without in" {
	not_in() {
		local sign
		for sign in setup_data tree 'KHO: found kexec handover data.'; do
			new_box again
			leave_sign "$sign"
			mkdir -p "$BOX/debug/kho/out"
			run_hooks "$1" kho-verify.sh
			status_is absent "did not take it"
			called "warn kho: incoming state: absent"
			not_called kho-inspect
			[ -e "$BOX/run/initramfs/kho/dmesg" ]
		done
	}
	in_every_shell not_in
}

@test "handed over and certainly not taken is absent: the kernel says so" {
	says() {
		local text
		for text in 'KHO: disabling KHO revival' \
			'Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.'; do
			new_box again
			leave_sign "$text"
			run_hooks "$1" kho-verify.sh
			status_is absent "did not take it"
			grep -qF "$text" "$BOX/run/initramfs/kho/dmesg"
		done
	}
	in_every_shell says
}

@test "handed over and nothing of it to be seen is unknown" {
	unseen() {
		local sign
		for sign in setup_data tree 'KHO: found kexec handover data.'; do
			new_box again
			leave_sign "$sign"
			run_hooks "$1" kho-verify.sh
			status_is unknown "shows nothing of it"
			called "warn kho: incoming state: unknown"
		done
	}
	in_every_shell unseen
}

@test "other setup_data and KHO's own start-up messages are no hand-over" {
	other() {
		mkdir -p "$BOX/boot_params/setup_data/0"
		echo 0x9 > "$BOX/boot_params/setup_data/0/type"
		leave_sign 'Kernel command line: kho=on'
		run_hooks "$1" kho-verify.sh
		status_is none
	}
	in_every_shell other
}

@test "without debugfs: none when the log shows no hand-over, unknown when it does or cannot be read" {
	no_debugfs() {
		touch "$BOX/no-debugfs"
		run_hooks "$1" kho-verify.sh
		status_is none
		not_called umount

		leave_sign 'KHO: found kexec handover data.'
		run_hooks "$1" kho-verify.sh
		status_is unknown "no debugfs"

		touch "$BOX/no-dmesg"
		run_hooks "$1" kho-verify.sh
		status_is unknown "neither debugfs nor the kernel log"
	}
	in_every_shell no_debugfs
}

@test "where x86_64 or a device tree shows that nothing came, nothing is even mounted" {
	fast() {
		mkdir -p "$BOX/boot_params/setup_data/0"
		echo 0x20f > "$BOX/boot_params/version"
		echo 0x9 > "$BOX/boot_params/setup_data/0/type"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is none
		[ "$(cat "$BOX/calls")" = "came back" ]
		new_box again
		mkdir "$BOX/chosen"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is none
		[ "$(cat "$BOX/calls")" = "came back" ]
		# with a promise it is another matter
		cmdline rd.kho.expect=3,17
		run_hooks "$1" kho-verify.sh
		called "kho-inspect verify --in --json --expect=3,17"
	}
	in_every_shell fast
}

@test "with systemd, a boot without state does not even read dracut's library" {
	unread() {
		mkdir -p "$BOX/boot_params/setup_data"
		echo 0x20f > "$BOX/boot_params/version"
		# its paths, below the box; of dracut there is nothing
		sed '/^for hook/,$d' "$KHO_TESTS/dracut-stage.sh" > "$BOX/kho-lib.sh"
		sed "s|/lib/|$BOX/|; s|/dracut-state.sh|$BOX/dracut-state.sh|g" "$KHO_MODULE/kho-stage.sh" > "$BOX/stage.sh"
		# shellcheck disable=SC2086 # "busybox sh" is two words
		PATH="$BOX/bin:$PATH" run -0 $1 "$BOX/stage.sh" verify
		[ -z "$output" ]
		status_is none
		# shellcheck disable=SC2086 # "busybox sh" is two words
		PATH="$BOX/bin:$PATH" run -0 $1 "$BOX/stage.sh" claims
		[ -z "$output" ]
		[ ! -s "$BOX/calls" ]
		# with a promise there is more to do, and it is needed
		cmdline rd.kho.expect=3,17
		# shellcheck disable=SC2086 # "busybox sh" is two words
		PATH="$BOX/bin:$PATH" run $1 "$BOX/stage.sh" verify
		[[ $output == *dracut-lib.sh* ]]
	}
	in_every_shell unread
}

# microseconds_of SHELL LINES: the processor time of a turn of them, with the hook's functions
# there. It does not depend on what else this machine does.
microseconds_of() {
	local spent TIMEFORMAT='%3U %3S'
	{
		sed '/^for hook/,$d' "$KHO_TESTS/dracut-stage.sh"
		printf 'i=0\nwhile [ "$i" -lt 100 ]; do\ni=$((i + 1))\n%s\ndone\n' "$2"
	} > "$BOX/loop.sh"
	# shellcheck disable=SC2086 # "busybox sh" is two words
	spent=$({ time PATH="$BOX/bin:$PATH" $1 "$BOX/loop.sh"; } 2>&1)
	awk '{ print ($1 + $2) * 10000 }' <<< "$spent"
}

@test "what a boot without state costs, in the time of this machine" {
	costs() {
		local whole mkdir
		mkdir -p "$BOX/boot_params/setup_data"
		echo 0x20f > "$BOX/boot_params/version"
		whole=$(microseconds_of "$1" 'kho_run=$BOX/run/$i; . "$KHO_MODULE/kho-verify.sh"')
		[ "$(cat "$BOX/run/100/status")" = "none nothing was handed over" ]
		mkdir=$(microseconds_of "$1" 'mkdir -p "$BOX/dirs/$i"')
		echo "# a boot without state takes $whole us of a processor in $1, of them $mkdir us to start mkdir" >&3
	}
	in_every_shell costs
}

@test "rd.kho=0 checks nothing and says so" {
	off() {
		hand_over
		cmdline rd.kho=0 rd.kho.expect=1,1
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is off
		not_called kho-inspect
		not_called mount
	}
	in_every_shell off
}

@test "a crash kernel is left alone" {
	crash() {
		touch "$BOX/vmcore"
		cmdline rd.kho.expect=1,1
		run_hooks "$1" kho-verify.sh
		status_is none "crash kernel"
		not_called mount
	}
	in_every_shell crash
}

@test "a report folder that cannot be made is told, and the boot goes on" {
	blocked() {
		mkdir -p "$BOX/run"
		touch "$BOX/run/initramfs"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		called "warn kho: cannot create"
		not_called kho-inspect
	}
	in_every_shell blocked
}

# In the time limit there is a shell, and whatever it does is over when the test is.
hanging_inspect() {
	command_in_box kho-inspect 'echo "$$" >> "$BOX/pids"; exec sleep 300'
}

wait_until_gone() { # PID: nobody may have asked for its exit status yet
	local i state
	for i in {1..50}; do
		state=$(ps -o stat= -p "$1") || return 0
		[[ $state != Z* ]] || return 0
		sleep 0.1
	done
	fail_with "process $1 is still there ($i): $state"
}

# Other boxes may be in use on this machine, so a process is told by the box that it was
# given and not by its name.
wait_until_box_is_empty() {
	local i left=()
	for i in {1..50}; do
		mapfile -t left < <(env -u BOX grep -lszxF "BOX=$BOX" /proc/[0-9]*/environ)
		((${#left[@]})) || return 0
		sleep 0.1
	done
	# or bats would wait for them
	kill "${left[@]//[!0-9]/}"
	fail_with "still there ($i): ${left[*]}"
}

@test "kho-inspect that hangs is ended, and the boot goes on" {
	hangs() {
		hand_over
		cmdline rd.kho.timeout=1
		hanging_inspect
		run_hooks "$1" kho-verify.sh kho-claims.sh
		status_is unknown "did not finish within 1 s"
		called "warn kho: incoming state: unknown"
		[ ! -e "$BOX/run/initramfs/kho/answer" ]
		[ "$(wc -l < "$BOX/pids")" -eq 1 ]
		wait_until_gone "$(cat "$BOX/pids")"
	}
	in_every_shell hangs
}

@test "the time limit leaves no process behind when all went well" {
	tidy() {
		hand_over
		cmdline rd.kho.timeout=98765
		run_hooks "$1" kho-verify.sh
		status_is clean
		wait_until_box_is_empty
	}
	in_every_shell tidy
}

@test "a time limit that cannot be kept ends the check at once" {
	local shell
	# busybox has a sleep of its own
	for shell in bash dash; do
		new_box "$shell"
		hand_over
		command_in_box sleep 'exit 1'
		command_in_box kho-inspect 'echo "$$" >> "$BOX/pids"; exec /bin/sleep 300'
		run_hooks "$shell" kho-verify.sh
		status_is unknown "did not finish"
		wait_until_gone "$(cat "$BOX/pids")"
	done
}

@test "a time limit that is none is told and taken as the default" {
	slips() {
		local value
		for value in 0 -1 5m 123456 '' ; do
			new_box again
			hand_over
			cmdline "rd.kho.timeout=$value"
			run_hooks "$1" kho-verify.sh
			status_is clean
			called "warn kho: rd.kho.timeout=$value is not a number of seconds"
		done
	}
	in_every_shell slips
}

@test "with findings there is a snapshot, for root only; without, none; and the first one stays" {
	snapshots() {
		hand_over
		inspect_says 0 "$(report)"
		run_hooks "$1" kho-verify.sh
		[ ! -e "$BOX/run/initramfs/kho/snapshot.khosnap" ]
		inspect_says 1 "$(report "$(finding K413 error "$K413")")"
		run_hooks "$1" kho-verify.sh kho-claims.sh
		called "kho-inspect snapshot --in -o"
		[ "$(grep -c '^kho-inspect snapshot' "$BOX/calls")" -eq 1 ]
		[ "$(stat -c %a "$BOX/run/initramfs/kho/snapshot.khosnap")" = 600 ]
	}
	in_every_shell snapshots
}

@test "lost state is told with what the kernel log says" {
	words() {
		cmdline rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "3 records of generation 17 were expected")")"
		run_hooks "$1" kho-verify.sh
		status_is absent "3 records of generation 17 were expected; the kernel log says nothing of KHO"
		new_box again
		echo '[    0.1] Kernel command line: kho=on # KHO' >> "$BOX/dmesg"
		echo '[    0.2] KHO: disabling KHO revival: -22' >> "$BOX/dmesg"
		cmdline rd.kho.expect=3,17
		inspect_says 1 "$(report "$(finding K510 fatal "3 records of generation 17 were expected")")"
		run_hooks "$1" kho-verify.sh
		status_is absent "the kernel says: [    0.2] KHO: disabling KHO revival: -22"
	}
	in_every_shell words
}

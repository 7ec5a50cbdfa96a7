#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the hooks of the kho module share; see kho-boot(7).
#
# Sourced by hooks that dracut sources itself, on a plain initramfs within PID 1:
# functions return and never exit, and every name starts with kho_.
#
# shellcheck disable=SC3043 # every shell that dracut runs in has local

kho_run=/run/initramfs/kho
kho_debugfs=/sys/kernel/debug
kho_boot_params=/sys/kernel/boot_params
kho_chosen=/proc/device-tree/chosen
kho_vmcore=/proc/vmcore
kho_kmsg=/dev/kmsg
kho_cmdline=/proc/cmdline
kho_cmdline_etc=/etc/cmdline
kho_bootloader=/proc/sys/kernel/bootloader_type
kho_sysrq=/proc/sysrq-trigger

# More lines than this push the reason off an 80x25 console; report.json has all.
kho_max_lines=12

# Of findings, the worst first.
kho_classes="absent fatal error unknown warning unclaimed info"

# So long can it be read before the machine is reset.
kho_pause=5

# ------------------------------------------------------------- command line

# Whether any of our options may be there: without a process, for most boots have
# none of them. getarg reads the same files.
kho_has_options() {
	local file line
	for file in "$kho_cmdline" "$kho_cmdline_etc" "$kho_cmdline_etc".d/*.conf; do
		[ -e "$file" ] || continue
		while read -r line || [ -n "$line" ]; do
			case $line in *rd.kho*) return 0 ;; esac
		done < "$file"
	done
	return 1
}

# The option $1 into kho_policy, $2 when it is not given. A slip must not stop a boot.
kho_read_policy() {
	kho_policy=$(getarg "$1=") || kho_policy=$2
	case $kho_policy in
		log | warn | shell | reboot | halt) return 0 ;;
	esac
	warn "kho: $1=$kho_policy is not one of log, warn, shell, reboot, halt: taken as warn"
	kho_policy=warn
}

# One for each class of findings. What stops a boot is, unless asked for by class,
# for state that is damaged, lost or not proven, and not for a remark.
kho_read_policies() {
	local all mild=warn
	kho_read_policy rd.kho.policy warn
	all=$kho_policy
	[ "$all" != log ] || mild=log
	kho_read_policy rd.kho.policy.warning "$mild"
	kho_on_warning=$kho_policy
	kho_read_policy rd.kho.policy.unclaimed "$kho_on_warning"
	kho_on_unclaimed=$kho_policy
	kho_read_policy rd.kho.policy.unknown "$all"
	kho_on_unknown=$kho_policy
	kho_read_policy rd.kho.policy.error "$all"
	kho_on_error=$kho_policy
	kho_read_policy rd.kho.policy.fatal "$all"
	kho_on_fatal=$kho_policy
}

kho_read_timeout() {
	kho_timeout=$(getarg rd.kho.timeout=) || kho_timeout=120
	case $kho_timeout in
		*[!0-9]* | "" | 0* | ??????*)
			warn "kho: rd.kho.timeout=$kho_timeout is not a number of seconds from 1 to 99999: taken as 120"
			kho_timeout=120
			;;
	esac
}

# ------------------------------------------------------------------ debugfs

# False when there is no debugfs to be had.
kho_mount_debugfs() {
	kho_mounted=
	ismounted "$kho_debugfs" && return 0
	mount -t debugfs -o nosuid,nodev,noexec debugfs "$kho_debugfs" 2> /dev/null || return 1
	kho_mounted=yes
}

# Left as it was found: later hooks and the real root have their own ideas.
kho_unmount_debugfs() {
	[ -n "$kho_mounted" ] || return 0
	umount "$kho_debugfs" || warn "kho: cannot unmount $kho_debugfs: it stays mounted"
	kho_mounted=
}

# -------------------------------------------------------------- kernel log

# One line, which must fit into one record of the kernel log.
kho_log() {
	printf '<%s>kho: %.900s\n' "$1" "$2" > "$kho_kmsg" 2> /dev/null || :
}

# What the kernel says about the hand-over. False when its log cannot be read.
kho_save_dmesg() {
	local status
	rm -f "$kho_run/dmesg"
	(
		umask 077
		dmesg > "$kho_run/dmesg.tmp" 2> /dev/null \
			&& sed -e '/KHO/b' -e '/kho/b' -e '/luo/b' -e '/dma-liveupdate/b' -e d \
				"$kho_run/dmesg.tmp" > "$kho_run/dmesg"
	)
	status=$?
	rm -f "$kho_run/dmesg.tmp"
	return "$status"
}

# What it said last, for a message.
kho_kernel_words() {
	local line said=
	[ -r "$kho_run/dmesg" ] || kho_save_dmesg || {
		echo "the kernel log cannot be read"
		return 0
	}
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
			*"ommand line: "* | *"kho: "*) ;;
			*KHO*) said=$line ;;
		esac
	done < "$kho_run/dmesg"
	if [ -n "$said" ]; then
		kho_plain "the kernel says: $said"
	else
		echo "the kernel log says nothing of KHO"
	fi
}

# Whether the saved part of the kernel log has one of these texts.
kho_kernel_said() {
	local line text
	[ -r "$kho_run/dmesg" ] || return 1
	while IFS= read -r line || [ -n "$line" ]; do
		for text; do
			case $line in *"$text"*) return 0 ;; esac
		done
	done < "$kho_run/dmesg"
	return 1
}

# ------------------------------------------------- was anything handed over?

# x86_64: a setup_data of type SETUP_KEXEC_KHO (10). It is there even when this
# kernel was built without KHO.
kho_in_setup_data() {
	local file kind
	for file in "$kho_boot_params"/setup_data/*/type; do
		[ -r "$file" ] || continue
		read -r kind < "$file" || continue
		[ "$kind" = 0xa ] && return 0
	done
	return 1
}

# Device trees: where the previous kernel left the address.
kho_in_device_tree() {
	[ -e "$kho_chosen/linux,kho-fdt" ]
}

# It is certain without further questions that nothing was left: on x86_64 it comes as
# setup_data, which the kernel shows whole; with a device tree it is in there.
kho_surely_cold() {
	kho_in_setup_data && return 1
	kho_in_device_tree && return 1
	[ -r "$kho_boot_params/version" ] || [ -d "$kho_chosen" ]
}

# A reset does not bring us back here: firmware and boot loaders say who they are, and
# so does a kernel that kexec started.
kho_started_by_kexec() {
	local loader=
	[ -e "$kho_chosen/linux,booted-from-kexec" ] && return 0
	# not by read: dash reads byte by byte, and a sysctl has nothing behind the first
	[ -r "$kho_bootloader" ] && loader=$(sed q "$kho_bootloader")
	# 0xD in the high four bits: kexec, both system calls
	[ "$loader" = 208 ]
}

# Left by the previous kernel, taken or not. Status 2: no sign of it, but the kernel
# log could not be read.
kho_handed_over() {
	local log=0
	kho_save_dmesg || log=2
	kho_in_setup_data && return 0
	kho_in_device_tree && return 0
	kho_kernel_said "KHO: found kexec handover data" "KHO: setup: " \
		"disabling KHO revival" "Passed KHO data, but" && return 0
	rm -f "$kho_run/dmesg"
	[ "$log" -eq 2 ] || return 1
	return 2
}

# It is certain that this kernel did not take it: it would be seen, or the kernel
# says so.
kho_not_taken() {
	[ -d "$kho_debugfs/kho" ] && return 0
	kho_kernel_said "disabling KHO revival" "Passed KHO data, but"
}

# ------------------------------------------------------------------- report

# Text from a report is text from memory that may be damaged: nothing in it may
# reach a terminal, or an echo that knows backslashes, as more than plain text.
kho_plain() {
	printf '%s\n' "$1" | LC_ALL=C sed -e 's/\\"/"/g' -e 's/[^ -~]/?/g' -e 's/\\/?/g'
}

# The findings of the report $1, a line each: CLASS ADDRESS RECORD SEVERITY RULE: MESSAGE, as
# plain as kho_plain makes it. There may be one for each of 100,000 allocations, and a shell
# that goes through them would keep the boot waiting for hours: all that looks at findings here
# is a fixed number of processes. A member that is not where kho-inspect has it, on a
# line of its own and in this order, gives no line, and so a report that is not complete.
kho_lines_of() {
	LC_ALL=C sed -n -e 's/^ *//' -e 's/,$//' -e '/^"rule": /h' -e '/^"severity": /H' \
		-e '/^"unevaluated": /H' -e '/^"addr": /H' -e '/^"record_id": /H' \
		-e '/^"message": /!d' -e H -e x \
		-e 's/^"rule": "\([A-Z0-9]*\)"\n"severity": "\([a-z]*\)"\n"unevaluated": \([a-z]*\)\n"addr": "\{0,1\}\([0-9a-z]*\)"\{0,1\}\n"record_id": \([0-9a-z]*\)\n"message": "\(.*\)"$/\3 \2 \4 \5 \2 \1: \6/' \
		-e 't found' -e d -e ': found' \
		-e 's/\\"/"/g' -e 's/[^ -~]/?/g' -e 's/\\/?/g' \
		-e 's/^true info \([^:]*: \)/info \1not judged: /' \
		-e 's/^true [a-z]* \([^:]*: \)/unknown \1not judged: /' \
		-e 's/^false //' \
		-e 's/^warning \([^:]* K501: \)/unclaimed \1/' \
		-e 's/^fatal \([^:]* K510: \)/absent \1/' \
		-e p "$1"
}

# "NAME NUMBER" of its summary.
kho_summary_of() {
	sed -n '/^ *"summary": {$/,/}/s/^ *"\([a-z]*\)": \([0-9][0-9]*\),\{0,1\}$/\1 \2/p' "$1"
}

# Reads the JSON that kho-inspect prints: the findings into the file lines, and the
# counts of the summary. False when they are not there, or disagree.
kho_read_report() {
	kho_findings='' kho_absent=''
	kho_fatal='' kho_errors='' kho_warnings='' kho_infos='' kho_not_judged=''
	kho_records='' kho_pages=''

	(umask 077 && kho_lines_of "$1" > "$kho_run/lines") || return 1
	# shellcheck disable=SC2046 # words and numbers
	set -- $(kho_summary_of "$1")
	while [ $# -ge 2 ]; do
		case $1 in
			info) kho_infos=$2 ;;
			fatal) kho_fatal=$2 ;;
			error) kho_errors=$2 ;;
			warning) kho_warnings=$2 ;;
			unevaluated) kho_not_judged=$2 ;;
			records) kho_records=$2 ;;
			pages) kho_pages=$2 ;;
		esac
		shift 2
	done
	isdigit "$kho_fatal" && isdigit "$kho_errors" && isdigit "$kho_warnings" \
		&& isdigit "$kho_infos" && isdigit "$kho_not_judged" || return 1
	[ -s "$kho_run/lines" ] && kho_findings=yes
	[ "$(kho_count '')" -eq $((kho_fatal + kho_errors + kho_warnings + kho_infos + kho_not_judged)) ]
}

# How many lines begin with the regular expression $1.
kho_count() {
	local number
	number=$(sed -n "/^$1/p" "$kho_run/lines" | sed -n '$=')
	echo "${number:-0}"
}

kho_of_class() {
	sed -n "/^$1 /p" "$kho_run/lines"
}

# The first finding of the class $1, if there is one.
kho_first() {
	[ -z "$kho_findings" ] || sed -n -e "/^$1 /!d" -e 's/^[^ ]* [^ ]* [^ ]* //p' -e q "$kho_run/lines"
}

# The worst class of which there is a finding into kho_class, and its first one into kho_worst.
kho_find_worst() {
	for kho_class in $kho_classes; do
		kho_worst=$(kho_first "$kho_class")
		[ -z "$kho_worst" ] || return 0
	done
	kho_class=''
}

# The first line of a file, for a message.
kho_first_line() {
	local line=
	[ -r "$1" ] && read -r line < "$1"
	kho_plain "${line:-it did not say why}"
}

# The report that was read: kho_word and kho_text.
kho_judge() {
	kho_find_worst
	kho_text="$kho_fatal fatal, $kho_errors errors, $kho_warnings warnings, $kho_not_judged not judged"
	[ -z "$kho_records" ] || kho_text="$kho_text, in $kho_records records of $kho_pages pages"
	case $kho_class in
		'' | info) kho_word=clean ;;
		unclaimed) kho_word=warning ;;
		*) kho_word=$kho_class ;;
	esac
	[ "$kho_word" = clean ] || kho_text="$kho_worst; $kho_text"
	# K510: state was promised, and this kernel does not have it, or does not show it
	case $kho_worst in
		"fatal K510: "*)
			kho_absent=yes
			kho_text="$kho_worst; $(kho_kernel_words)"
			;;
	esac
	return 0
}

kho_cannot_tell() {
	kho_word=unknown
	kho_text=$1
	kho_findings=''
}

# The two processes that kho_bounded starts. Whoever is done writes a word to file
# descriptor 8; told to stop, they end what they started.
kho_tool() {
	local pid='' stop='' status=0 out="$1" err="$2"
	shift 2
	trap 'stop=yes; [ -z "$pid" ] || kill -KILL "$pid"' TERM
	umask 077
	"$@" > "$out" 2> "$err" 8>&- &
	pid=$!
	[ -z "$stop" ] || kill -KILL "$pid"
	wait "$pid" || status=$?
	echo "$status" >&8
}

kho_clock() {
	local pid='' stop=''
	trap 'stop=yes; [ -z "$pid" ] || kill "$pid"' TERM
	sleep "$1" 8>&- &
	pid=$!
	[ -z "$stop" ] || kill "$pid"
	wait "$pid"
	# whatever ended it: without a clock nothing would end the check
	[ -n "$stop" ] || echo late >&8
}

# Runs the command $3.. with its output in $1 and $2: its status in kho_answer, or
# "late" after rd.kho.timeout. It is not waited for then: a process that hangs in the
# kernel does not even die.
kho_bounded() {
	local tool clock fifo="$kho_run/answer"
	kho_answer=''
	rm -f "$fifo"
	mkfifo -m 600 "$fifo" || return 1
	{
		kho_tool "$@" 2> /dev/null &
		tool=$!
		kho_clock "$kho_timeout" 2> /dev/null &
		clock=$!
		read -r kho_answer <&8
		if [ "$kho_answer" = late ]; then
			kill "$tool"
		else
			kill "$clock"
		fi
	} 8<> "$fifo"
	rm -f "$fifo"
}

# Runs kho-inspect verify with the options $2.. into the report $1. False, and
# unknown, whenever something does not add up: nothing but a report without
# findings makes a boot clean.
kho_inspect() {
	local report="$kho_run/$1"
	shift

	if ! command -v kho-inspect > /dev/null 2>&1; then
		kho_cannot_tell "kho-inspect is missing from this initramfs: install it and rebuild the initramfs"
		return 1
	fi
	if ! kho_bounded "$report.tmp" "$report.err" kho-inspect verify --in --json "$@"; then
		kho_cannot_tell "cannot create a FIFO in $kho_run: nothing has been checked"
		return 1
	fi
	case $kho_answer in
		0 | 1) ;;
		late)
			rm -f "$report.tmp"
			kho_cannot_tell "kho-inspect did not finish within $kho_timeout s (rd.kho.timeout=): nothing is known of the state"
			return 1
			;;
		*)
			rm -f "$report.tmp"
			kho_cannot_tell "kho-inspect cannot tell (status $kho_answer): $(kho_first_line "$report.err")"
			return 1
			;;
	esac
	rm -f "$report.err"
	mv -f "$report.tmp" "$report"

	if ! kho_read_report "$report"; then
		kho_cannot_tell "the report of kho-inspect (status $kho_answer) is not complete: see $report"
		return 1
	fi
	kho_judge
	case $kho_answer$kho_word in
		1clean | 1warning)
			kho_cannot_tell "kho-inspect found something (status 1) that its report does not tell: see $report"
			return 1
			;;
	esac
}

# What the findings are about, for whoever looks at it elsewhere: metadata, and no
# content. The first one stays: it is from before any driver.
kho_save_snapshot() {
	local file="$kho_run/snapshot.khosnap"
	[ -n "$kho_findings" ] && [ -z "$kho_absent" ] && [ ! -e "$file" ] || return 0
	kho_bounded /dev/null /dev/null kho-inspect snapshot --in -o "$file.tmp" || return 0
	if [ "$kho_answer" = 0 ]; then
		mv -f "$file.tmp" "$file"
		return 0
	fi
	rm -f "$file.tmp"
	warn "kho: no snapshot could be taken (status $kho_answer)"
}

# ------------------------------------------------------------------ outcome

kho_rank() {
	case $1 in
		off | none) echo 0 ;;
		clean) echo 1 ;;
		warning) echo 2 ;;
		unknown) echo 3 ;;
		error) echo 4 ;;
		*) echo 5 ;;
	esac
}

# One line for programs, replaced as a whole.
kho_write_status() {
	if printf '%s %s\n' "$1" "$2" > "$kho_run/status.tmp" \
		&& mv -f "$kho_run/status.tmp" "$kho_run/status"; then
		return 0
	fi
	warn "kho: cannot write $kho_run/status"
}

kho_strength() {
	case $1 in
		log) echo 0 ;;
		warn) echo 1 ;;
		shell) echo 2 ;;
		reboot) echo 3 ;;
		*) echo 4 ;;
	esac
}

# The policy for a class of findings, or for a word when that is all there is.
kho_policy_of() {
	case $1 in
		info | clean) kho_policy=log ;;
		warning) kho_policy=$kho_on_warning ;;
		unclaimed) kho_policy=$kho_on_unclaimed ;;
		unknown) kho_policy=$kho_on_unknown ;;
		error) kho_policy=$kho_on_error ;;
		*) kho_policy=$kho_on_fatal ;;
	esac
}

# The strongest policy for anything that was found, into kho_action.
kho_choose_action() {
	local class
	kho_policy_of "$kho_word"
	kho_action=$kho_policy
	[ -n "$kho_findings" ] || return 0
	kho_action=log
	for class in $kho_classes; do
		[ -n "$(kho_first "$class")" ] || continue
		kho_policy_of "$class"
		[ "$(kho_strength "$kho_policy")" -gt "$(kho_strength "$kho_action")" ] && kho_action=$kho_policy
	done
}

# The findings, the worst first, without the classes that are for the log only.
kho_show_findings() {
	local class line number
	[ -n "$kho_findings" ] || return 0
	(
		umask 077
		for class in $kho_classes; do
			kho_policy_of "$class"
			[ "$kho_policy" = log ] || kho_of_class "$class"
		done > "$kho_run/shown"
	)
	sed "${kho_max_lines}q" "$kho_run/shown" | while IFS= read -r line; do
		warn "kho: ${line#* * * }"
	done
	number=$(sed -n '$=' "$kho_run/shown")
	[ "${number:-0}" -le "$kho_max_lines" ] || warn "kho: and $((number - kho_max_lines)) more"
	rm -f "$kho_run/shown"
}

# ------------------------------------------------------------------- policy

# It shows the line itself.
kho_shell() {
	emergency_shell -n kho "kho: $1. Leave the shell to carry on with the boot."
}

# Returns only when the machine could not be reset. Not through kexec, whatever may be
# loaded: only firmware stops devices that still write to memory.
kho_reset() {
	# by now, without services: there is nothing to stop but mounts
	echo s > "$kho_sysrq" 2> /dev/null
	echo u > "$kho_sysrq" 2> /dev/null
	if command -v systemctl > /dev/null 2>&1; then
		systemctl --force --force reboot
	elif command -v reboot > /dev/null 2>&1; then
		reboot -f
	fi
	echo b > "$kho_sysrq" 2> /dev/null
	sleep "$kho_pause"
}

# Whether a reboot ends what was found, and happens once. What was handed over, or
# promised, is gone after a reset, and the kernel that comes then was not started by
# kexec: this is the guard, and no storage can lose it. On any other boot the same
# would be found again, and again.
kho_may_reboot() {
	kho_started_by_kexec || return 1
	kho_in_setup_data || kho_in_device_tree || getarg rd.kho.expect= > /dev/null
}

kho_reboot() {
	if ! kho_may_reboot; then
		kho_shell "$1. No reboot: kexec has not handed this kernel anything, so the next boot would find the same"
		return 0
	fi
	kho_log 3 "resetting the machine, as rd.kho.policy wants it"
	warn "kho: $1"
	warn "kho: resetting the machine in $kho_pause s"
	sleep "$kho_pause"
	kho_reset
	kho_shell "$1. The machine could not be reset"
}

# Never returns. Where nothing can halt the machine, nothing more is started.
kho_halt() {
	kho_log 3 "halting the machine, as rd.kho.policy wants it"
	warn "kho: $1"
	# not by the journal, which may not have it on the console before the machine stands
	kho_log 3 "halted: nothing is started any more; reset the machine"
	sleep 1
	echo s > "$kho_sysrq" 2> /dev/null
	echo u > "$kho_sysrq" 2> /dev/null
	if command -v systemctl > /dev/null 2>&1; then
		systemctl --force --force halt
	elif command -v halt > /dev/null 2>&1; then
		halt -f
	fi
	while :; do
		sleep 3600
	done
}

# Tells the log, the console and the operator, as far as the policy wants it.
# $1: what was checked. The status is written by then: who sits in the shell, or
# pulls the plug, finds it.
kho_announce() {
	local rank level=6 line="$1: $kho_word: $kho_text"
	rank=$(kho_rank "$kho_word")
	[ "$rank" -lt 2 ] || level=4
	[ "$rank" -lt 3 ] || level=3
	[ "$rank" -lt 3 ] || kho_save_dmesg || :
	kho_log "$level" "$line"
	[ "$rank" -ge 2 ] || return 0
	kho_save_snapshot
	kho_choose_action
	[ "$kho_action" != log ] || return 0

	[ "$kho_action" != warn ] || warn "kho: $line"
	kho_show_findings
	warn "kho: the reports are in $kho_run, the rules in kho-rules(7)"
	case $kho_action in
		shell) kho_shell "$line" ;;
		reboot) kho_reboot "$line" ;;
		halt) kho_halt "$line" ;;
	esac
}

# ------------------------------------------------------------------- stages

# Whether to look at all. A crash kernel owns none of this memory, and must get on
# with its dump.
kho_wanted() {
	if ! getargbool 1 rd.kho; then
		kho_word=off
		kho_text="rd.kho=0: nothing has been checked"
		return 1
	fi
	if [ -e "$kho_vmcore" ]; then
		kho_word=none
		kho_text="this is a crash kernel: nothing is handed over to it"
		return 1
	fi
}

# This kernel shows nothing that was handed over, and nothing was promised. On a
# cold boot that is all, silently. But what was left for this kernel and not taken
# is lost, while devices may still write to it.
kho_judge_nothing() {
	local debugfs="$1" handed_over=0
	kho_findings=''
	kho_handed_over || handed_over=$?

	kho_word=none
	kho_text="nothing was handed over"
	if [ "$handed_over" -eq 0 ] && kho_not_taken; then
		kho_word=absent
		kho_text="the previous kernel handed state over and this one did not take it; devices may still write to that memory: reset the machine through its firmware, and check that this kernel has KHO, and the same version of it"
	elif [ "$handed_over" -eq 0 ]; then
		kho_word=unknown
		kho_text="the previous kernel handed state over and this one shows nothing of it: no debugfs, no kho=on, or no CONFIG_KEXEC_HANDOVER_DEBUGFS? Devices may still write to that memory"
	elif [ "$handed_over" -eq 2 ] && [ -z "$debugfs" ]; then
		kho_word=unknown
		kho_text="neither debugfs nor the kernel log can be read: nothing has been checked"
	fi
}

kho_judge_incoming() {
	local expect debugfs="$1"
	expect=$(getarg rd.kho.expect=) || expect=''
	if [ -z "$expect" ] && [ ! -d "$kho_debugfs/kho/in" ] \
		&& command -v kho-inspect > /dev/null 2>&1; then
		kho_judge_nothing "$debugfs"
		return 0
	fi
	kho_inspect report.json ${expect:+"--expect=$expect"} || :
}

# Nearly every boot: nothing was handed over, and nobody has asked for anything. True when
# that is all. No process but mkdir, and nothing of dracut's is needed.
kho_cold_boot() {
	kho_has_options && return 1
	kho_surely_cold && command -v kho-inspect > /dev/null 2>&1 || return 1
	[ -d "$kho_run" ] || mkdir -p "$kho_run" 2> /dev/null || return 1
	echo "none nothing was handed over" 2> /dev/null > "$kho_run/status"
}

# pre-udev: before udev loads drivers, which change what is checked here.
kho_verify_incoming() {
	local debugfs=''
	kho_cold_boot && return 0
	if ! [ -d "$kho_run" ] && ! mkdir -p "$kho_run"; then
		warn "kho: cannot create $kho_run: nothing has been checked"
		return 0
	fi
	if ! kho_wanted; then
		kho_write_status "$kho_word" "$kho_text"
		return 0
	fi
	kho_read_policies
	kho_read_timeout
	kho_mount_debugfs && debugfs=yes
	kho_judge_incoming "$debugfs"
	kho_write_status "$kho_word" "$kho_text"
	[ "$kho_word" = none ] || kho_announce "incoming state"
	rm -f "$kho_run/lines"
	kho_unmount_debugfs
}

# Keeps what was not there at the first check, and sums up the claims. The operator has
# seen the rest and decided to go on.
kho_judge_claims() {
	kho_text="$(kho_count 'unclaimed ') unclaimed, $(kho_count 'error [^:]* K502: ') refused"
	kho_drop_known
	kho_find_worst
	case $kho_class in
		'' | info) kho_word=clean ;;
		unclaimed) kho_word=warning ;;
		absent) kho_word=fatal ;;
		*) kho_word=$kho_class ;;
	esac
}

# Takes out of the file lines what is in the file known.
kho_drop_known() {
	(
		export LC_ALL=C
		umask 077
		sort -u "$kho_run/known" > "$kho_run/known.sorted"
		sort -u "$kho_run/lines" | comm -13 "$kho_run/known.sorted" - > "$kho_run/lines.new"
	)
	mv -f "$kho_run/lines.new" "$kho_run/lines"
	rm -f "$kho_run/known.sorted"
	kho_findings=''
	[ ! -s "$kho_run/lines" ] || kho_findings=yes
}

# Both stages in one line: claims make the word worse, never better.
kho_merge_status() {
	local line='' word
	[ -r "$kho_run/status" ] && read -r line < "$kho_run/status"
	word=${line%% *}
	[ "$(kho_rank "$kho_word")" -gt "$(kho_rank "$word")" ] && word=$kho_word
	kho_write_status "$word" "${line#* }; claims: $kho_word: $kho_text"
}

kho_anything_checked() {
	[ -r "$kho_run/report.json" ]
}

# cleanup: the last moment before the root is switched. Only where the first check
# had something to look at; what it could not do was told then.
kho_verify_claims() {
	kho_anything_checked && kho_wanted || return 0
	if kho_read_report "$kho_run/report.json" && kho_judge && [ -z "$kho_absent" ]; then
		mv -f "$kho_run/lines" "$kho_run/known"
		kho_check_claims
	fi
	rm -f "$kho_run/lines" "$kho_run/known"
}

kho_check_claims() {
	kho_read_policies
	kho_read_timeout
	kho_mount_debugfs || :
	if kho_inspect claims.json --claims --skip-content; then
		kho_judge_claims
	fi
	kho_merge_status
	kho_announce "claims"
	kho_unmount_debugfs
}

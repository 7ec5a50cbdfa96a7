#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the check of kho-boot(7) and does what it asks for, in any initramfs. Whoever sources it
# brings kho_say TEXT, for the console, and kho_shell TEXT, for a shell that can be left. dracut
# sources hooks within PID 1: functions return and never exit; every name starts with kho_.
# shellcheck disable=SC3043 # every shell of an initramfs has local

kho_run=/run/initramfs/kho
kho_kmsg=/dev/kmsg
kho_cmdline=/proc/cmdline
kho_vmcore=/proc/vmcore
kho_sysrq=/proc/sysrq-trigger
kho_pause=5

# kho_check incoming|claims
kho_check() {
	local said status=0 first line newline='
'
	said=$(kho-inspect boot-check "--stage=$1") || status=$?
	case $status in 0 | 1[0-6]) ;; *) said=$(kho_died "$1" "$status") ;; esac
	[ -n "$said" ] || return 0
	first=${said%%"$newline"*}
	[ "${first%% *}" != warn ] || kho_say "${first#* }"
	printf '%s\n' "$said" | while IFS= read -r line; do
		[ "$line" = "$first" ] || kho_say "$line"
	done
	kho_act "${first%% *}" "${first#* }"
}

kho_act() {
	case $1 in
		shell) kho_shell "$2. Leave the shell to carry on with the boot." ;;
		reboot)
			kho_log "resetting the machine, as rd.kho.policy wants it"
			kho_say "$2"
			kho_say "resetting the machine in $kho_pause s"
			sleep "$kho_pause"
			kho_stop reboot
			echo b > "$kho_sysrq" 2> /dev/null
			sleep "$kho_pause"
			kho_shell "$2. The machine could not be reset."
			;;
		halt)
			kho_log "halting the machine, as rd.kho.policy wants it"
			kho_say "$2"
			# the journal may not have it on the console before the machine stands
			kho_log "halted: nothing is started any more; reset the machine"
			sleep 1
			kho_stop halt
			while :; do sleep 3600; done
			;;
	esac
}

kho_log() {
	printf '<3>kho: %.900s\n' "$1" > "$kho_kmsg" 2> /dev/null || :
}

# kho_stop reboot|halt: not through kexec, whatever may be loaded, for only firmware stops
# devices that still write to memory. No service runs yet: mounts are all there is to stop.
kho_stop() {
	echo s > "$kho_sysrq" 2> /dev/null
	echo u > "$kho_sysrq" 2> /dev/null
	if command -v systemctl > /dev/null 2>&1; then
		systemctl --force --force "$1"
	elif command -v "$1" > /dev/null 2>&1; then
		"$1" -f
	fi
}

# kho_died STAGE STATUS: kho-inspect is missing, or was killed. All that a shell can do then is
# to say so, and what kho-inspect would print. It runs in a shell of its own.
kho_died() {
	local line='' earlier='' word value all='' policy='' text off='' inside quoted=0 verdict=unknown
	[ ! -r "$kho_run/status" ] || read -r earlier < "$kho_run/status"
	case $1:$earlier in claims:none* | claims:off* | claims:unknown*) return 0 ;; esac
	case $earlier in error* | absent* | fatal*) verdict=${earlier%% *} ;; esac
	text="kho-inspect could not judge anything (status $2)"
	[ "$2" != 127 ] || text="kho-inspect is missing from this initramfs: install it and rebuild the initramfs"
	set -f
	[ ! -r "$kho_cmdline" ] || read -r line < "$kho_cmdline"
	for word in $line; do
		inside=$quoted
		while [ "$word" != "${word#*\"}" ]; do word=${word%%\"*}${word#*\"} quoted=$((1 - quoted)); done
		# a word of a quoted value with blanks is not an option
		[ "$inside$quoted" = 00 ] || continue
		value=${word#*=}
		case $word in
			rd.kho=0 | rd.kho=no | rd.kho=off) off=1 ;;
			rd.kho | rd.kho=*) off='' ;;
			rd.kho.policy=*) all=$value ;;
			rd.kho.policy."$verdict"=*) policy=$value ;;
		esac
	done
	[ -z "$off" ] && [ ! -e "$kho_vmcore" ] || return 0
	kho_log "$1: $verdict: $text"
	# kho-inspect may have written a verdict before it died: the word never gets better
	line="$verdict ${earlier#* }; $1: unknown: $text"
	[ -n "$earlier" ] || line="unknown $text"
	kho_write_status "$line" || text="$text, and $kho_run/status cannot be written"
	case ${policy:-${all:-warn}} in
		log) ;;
		shell | reboot) echo "shell $1: $verdict: $text" ;; # a reset may lead to the same again
		halt) echo "halt $1: $verdict: $text" ;;
		*) echo "warn $1: $verdict: $text" ;;
	esac
}

# An older one must not stay.
kho_write_status() {
	umask 077
	rm -f "$kho_run/status"
	mkdir -p "$kho_run" && printf '%s\n' "$1" > "$kho_run/status.tmp" \
		&& mv -f "$kho_run/status.tmp" "$kho_run/status"
}

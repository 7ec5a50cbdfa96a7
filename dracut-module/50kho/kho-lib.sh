# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Runs the check of kho-boot(7) and does what it asks for, in any initramfs. Whoever sources it
# brings kho_say TEXT, for the console, and kho_shell TEXT, for a shell that can be left. dracut
# sources hooks within PID 1: functions return and never exit; every name starts with kho_.
# shellcheck disable=SC3043 # every shell of an initramfs has local

kho_run=/run/initramfs/kho
kho_kmsg=/dev/kmsg
kho_etc=/etc
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
			kho_shell "$2; the machine could not be reset"
			;;
		halt)
			kho_say "$2"
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

# kho_stop reboot|halt: never by kexec, because only firmware stops devices that still write to
# memory. No service runs yet: mounts are all there is to stop.
kho_stop() {
	echo s > "$kho_sysrq" 2> /dev/null
	echo u > "$kho_sysrq" 2> /dev/null
	systemctl --force --force "$1" 2> /dev/null || "$1" -f 2> /dev/null
}

# kho_died STAGE STATUS: kho-inspect is missing, or was killed. Prints what kho-inspect would, in a
# shell of its own.
kho_died() {
	local line earlier='' class=unknown all=warn policy='' text off=''
	[ ! -r "$kho_run/status" ] || read -r earlier < "$kho_run/status"
	case $1:$earlier in
		claims:none* | claims:off* | claims:unknown*) return 0 ;;
		*:error*) class=error ;;
		*:absent* | *:fatal*) class=fatal ;;
		*:?*) earlier="unknown ${earlier#* }" ;; # the word never gets better
	esac
	kho_options
	[ -z "$off" ] && [ ! -e "$kho_vmcore" ] || return 0
	text="kho-inspect could not judge anything (status $2)"
	[ "$2" != 127 ] || text="kho-inspect is missing from this initramfs: install it and rebuild the initramfs"
	line=${earlier:+$earlier; $1: unknown: }
	line=${line:-unknown }$text
	kho_log "$1: ${line%% *}: $text"
	umask 077
	rm -f "$kho_run/status" # an older one must not stay
	mkdir -p "$kho_run" && printf '%s\n' "$line" > "$kho_run/status.tmp" \
		&& mv -f "$kho_run/status.tmp" "$kho_run/status" \
		|| text="$text, and $kho_run/status cannot be written"
	case ${policy:-$all} in
		log) return 0 ;;
		shell | reboot) policy=shell ;; # a reset may lead to the same again
		halt) policy=halt ;;
		*) policy=warn ;;
	esac
	echo "$policy $1: ${line%% *}: $text"
}

# Sets off, all and policy as kho-inspect does: an option may have blanks in quotes.
kho_options() {
	local file line word option='' quoted=0 value
	for file in "$kho_etc"/cmdline "$kho_etc"/cmdline.d/*.conf "$kho_cmdline"; do
		set -f
		[ ! -r "$file" ] || while read -r line || [ -n "$line" ]; do
			for word in $line; do
				option=${option:+$option }$word
				while [ "$word" != "${word#*\"}" ]; do word=${word#*\"} quoted=$((1 - quoted)); done
				[ $quoted = 0 ] || continue
				case $option in \"* | *=\"*) option=${option%\"} option=${option#\"} ;; esac
				value=${option#*=} value=${value#\"}
				case ${option%%=*} in
					rd.kho) case $value in 0 | no | off) off=1 ;; *) off='' ;; esac ;;
					rd.kho.policy) all=${value:-warn} ;;
					rd.kho.policy."$class") policy=${value:-warn} ;;
				esac
				option=''
			done
		done < "$file"
		option='' quoted=0
	done
}

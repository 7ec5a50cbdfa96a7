# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The kernel series patch by patch, in a tree and a build folder of their own:
#   linux/<source>/steps/applied	a repository with a commit for each patch
#   linux/<source>/steps/tree	pristine sources with the first N patches
#   linux/<source>/steps/obj	its build, rebuilt in part with each patch
# The configuration is that of the test machines without the options for user space. It
# includes all that the series touches, and a changed header rebuilds little of it.

STEPS_WITHOUT=(SECURITY SECURITYFS SECURITY_LOCKDOWN_LSM LSM RD_GZIP RD_XZ RD_ZSTD
	TMPFS_XATTR TMPFS_POSIX_ACL UNIX INET INOTIFY_USER FHANDLE EPOLL SIGNALFD TIMERFD EVENTFD
	POSIX_MQUEUE SYSVIPC AIO CGROUPS CGROUP_PIDS NAMESPACES SECCOMP SECCOMP_FILTER KCMP
	TTY VT UNIX98_PTYS SERIAL_8250 SERIAL_8250_CONSOLE SERIAL_8250_NR_UARTS
	SERIAL_8250_RUNTIME_UARTS BLOCK BLK_DEV BLK_DEV_LOOP VIRTIO_MENU VIRTIO_PCI
	VIRTIO_BLK EXT4_FS EXT4_FS_POSIX_ACL HW_RANDOM HW_RANDOM_VIRTIO)
# to compile all touched files
STEPS_WITH=(CMA DMA_CMA EFI EFI_STUB AMD_MEM_ENCRYPT OF PCIEPORTBUS)

# steps_config: prints the configuration.
steps_config() {
	local line
	while read -r line; do
		[[ $line =~ ^CONFIG_([A-Z0-9_]+)= ]] || continue
		[[ " ${STEPS_WITHOUT[*]} ${STEPS_WITH[*]} " == *" ${BASH_REMATCH[1]} "* ]] || printf '%s\n' "$line"
	done <"$KERNEL_CONFIG"
	printf 'CONFIG_%s=y\n' "${STEPS_WITH[@]}"
}

# Sets STEPS_DIR, STEPS_TREE, STEPS_OBJ and STEPS_PATCHES, the patches in order.
steps_paths() {
	local source
	source=$(fetch_linux)
	STEPS_SRC=$KHO_CACHE/linux/$(source_id "$source")/src
	STEPS_DIR=${STEPS_SRC%/src}/steps
	STEPS_TREE=$STEPS_DIR/tree
	STEPS_OBJ=$STEPS_DIR/obj
	mapfile -t STEPS_PATCHES < <(series_files "$KERNEL_SERIES")
}

# Makes the tree and the repository. Fails if the series does not apply.
steps_prepare() {
	series_pristine linux fetch_linux >/dev/null
	mkdir -p "$STEPS_DIR"
	[[ -d $STEPS_TREE ]] || kernel_link_tree "$STEPS_SRC" "$STEPS_TREE"
	series_am "$KERNEL_SERIES" "$STEPS_SRC" "$STEPS_DIR/applied" || return 1
	git -C "$STEPS_DIR/applied" tag steps
}

# steps_at N: applies the first N patches to the pristine tree.
steps_at() {
	git -C "$STEPS_DIR/applied" checkout -q --detach "steps~$((${#STEPS_PATCHES[@]} - $1))" || return 1
	series_overlay "$STEPS_DIR/applied" "$STEPS_SRC" "$STEPS_TREE"
}

# steps_name N: prints the name of patch N.
steps_name() {
	local name=${STEPS_PATCHES[$1 - 1]##*/}
	(($1)) || name="the sources as they came"
	printf '%s\n' "${name%.patch}"
}

# steps_make LOG ARGUMENT...: runs make; prints the end of the log if it fails.
steps_make() {
	local log=$1
	shift
	make -s -C "$STEPS_TREE" O="$STEPS_OBJ" LOCALVERSION= "-j$(nproc)" "$@" >"$log" 2>&1 || {
		tail -n 30 "$log"
		return 1
	}
}

# steps_configure N: patches add options; after the last patch, all options must exist.
steps_configure() {
	local config=$STEPS_DIR/steps.config
	steps_config >"$config"
	mkdir -p "$STEPS_OBJ"
	if (($1 == ${#STEPS_PATCHES[@]})); then
		kernel_configure "$STEPS_TREE" "$STEPS_OBJ" "$config"
	else
		steps_make "$STEPS_OBJ/.allno.log" KCONFIG_ALLCONFIG="$config" allnoconfig
	fi
}

# steps_sources N: prints the C files that patch N touches, or those that any patch touches if N
# is 0 or if patch N touches a header. Omits files that do not exist after N patches.
steps_sources() {
	local n=$1 file
	{
		((n == 0)) || sed -n 's|^diff --git a/\(.*\) b/.*|\1|p' "${STEPS_PATCHES[n - 1]}"
		if ((n == 0)) || grep -q '^diff --git a/.*\.h b/' "${STEPS_PATCHES[n - 1]}"; then
			series_touched "$KERNEL_SERIES"
		fi
	} | LC_ALL=C sort -u | while read -r file; do
		[[ $file != *.c || ! -f $STEPS_TREE/$file ]] || printf '%s\n' "$file"
	done
}

# The boot code has its own flags, which W=1 does not change, and kbuild does not build single
# files of it. So this runs kbuild's command for the file with more warnings, and sparse.
steps_check_boot_file() {
	local object=${1%.c}.o log=$2 command
	command=$(sed -n '1s/^savedcmd_[^ ]* := //p' "$STEPS_OBJ/${object%/*}/.${object##*/}.cmd")
	[[ $command ]] || return 1
	command=${command%% ;*}
	command=${command/ -o $object/ -o /dev/null}
	command=${command/-Wp,-MMD,* -nostdinc/-nostdinc}
	(
		cd "$STEPS_OBJ" || exit
		bash -c "$command -Wextra -Wunused -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers"
		bash -c "$STEPS_SPARSE -D__linux__ -D__STDC__ -Wbitwise -Wno-return-void -Wno-unknown-attribute -D__x86_64__ ${command#gcc }"
	) >>"$log" 2>&1
}

# Sparse of Debian 12 does not know __typeof_unqual__, and kbuild then does without: the warnings
# about qualifiers are older than the series. It also does not know that the length of a literal is a
# constant, which MODULE_INFO() asserts in every module; gcc still checks that.
STEPS_SPARSE="sparse -D__typeof_unqual__=__typeof__ '-D__builtin_strlen(s)=(sizeof(s)-1)'"

# steps_check_sources N LOG: compiles the C files of patch N with W=1, and runs sparse on them.
steps_check_sources() {
	local n=$1 log=$2 file
	local -a objects=() boot=()
	: >"$log"
	while read -r file; do
		case $file in
		arch/*/boot/*) boot+=("$file") ;;
		*) objects+=("${file%.c}.o") ;;
		esac
	done < <(steps_sources "$n")
	((!${#objects[@]})) || (cd "$STEPS_OBJ" && rm -f "${objects[@]}")
	((!${#objects[@]})) || steps_make "$log" W=1 C=1 CHECK="$STEPS_SPARSE" "${objects[@]}" || return 1
	if grep 'sparse is not available' "$log"; then
		return 1
	fi
	for file in "${boot[@]}"; do
		steps_check_boot_file "$file" "$log" || return 1
	done
	printf '# W=1 and sparse: %s\n' "${objects[*]} ${boot[*]}" >&3
}

# steps_warnings LOG: prints one warning a line, without line numbers, which other changes move.
steps_warnings() {
	grep -iE '(warning|error):' "$1" | sed "s|$STEPS_TREE/||g; s/:[0-9]\+\(:[0-9]\+\)\?:\? /: /" | LC_ALL=C sort -u
}

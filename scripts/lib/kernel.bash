# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The patched kernel of the test machines, built once for each set of inputs:
#   linux/<source>/src	as it came
#   linux/<source>/tree	hard links to it, with the series applied
#   linux/<source>/obj	the build folder, kept so that a changed patch rebuilds little
#   kernels/<key>/	bzImage, config, modules/, build.log

# shellcheck source=scripts/lib/series.bash
. "$KHO_TOP/scripts/lib/series.bash"

KERNEL_SERIES=$KHO_TOP/kernel-patches
KERNEL_CONFIG=$KERNEL_SERIES/vm.config

kernel_key() {
	local id=$1
	local -a patches
	mapfile -t patches < <(series_files "$KERNEL_SERIES")
	printf '%s-%s-%s\n' "$id" "$(hash_of "${patches[@]}" "$KERNEL_CONFIG")" \
		"$(gcc --version | head -n 1 | sha256sum | cut -c1-8)"
}

kernel_prepare_tree() {
	local source=$1 dir=$2
	[[ -d $dir/src ]] || unpack "$source" "$dir/src"
	[[ -d $dir/tree ]] || {
		rm -rf "$dir/tree.tmp"
		cp -al "$dir/src" "$dir/tree.tmp"
		mv "$dir/tree.tmp" "$dir/tree"
	}
	series_am "$KERNEL_SERIES" "$dir/src" "$dir/applied"
	series_overlay "$dir/applied" "$dir/src" "$dir/tree"
}

# Every option that was asked for has to be there after Kconfig's own ideas.
kernel_configure() {
	local tree=$1 obj=$2 line lost=0
	mkdir -p "$obj"
	make -s -C "$tree" O="$obj" KCONFIG_ALLCONFIG="$KERNEL_CONFIG" allnoconfig >"$obj/.allno.log" 2>&1 || {
		cat "$obj/.allno.log"
		return 1
	}
	while read -r line; do
		case $line in
		CONFIG_*=n) ! grep -q "^${line%=n}=" "$obj/.config" || lost=1 ;;
		CONFIG_*=*) grep -qxF "$line" "$obj/.config" || lost=1 ;;
		*) continue ;;
		esac
		((!lost)) || {
			echo "the kernel's configuration does not keep $line"
			return 1
		}
	done <"$KERNEL_CONFIG"
}

kernel_compile() {
	local dir=$1 out=$2 tmp=$2.tmp make
	make=(make -s -C "$dir/tree" O="$dir/obj" LOCALVERSION= "-j$(nproc)")
	rm -rf "$tmp"
	mkdir -p "$tmp"
	"${make[@]}" bzImage modules 2>&1 | tee "$tmp/build.log"
	((PIPESTATUS[0] == 0)) || return 1
	# nobody will look at it later: a warning is a failure now
	! grep -n 'warning:' "$tmp/build.log" || return 1
	"${make[@]}" INSTALL_MOD_PATH="$tmp/modules" modules_install
	rm -f "$tmp"/modules/lib/modules/*/{build,source}
	cp "$dir/obj/arch/x86/boot/bzImage" "$tmp/bzImage"
	cp "$dir/obj/.config" "$tmp/config"
	make -s -C "$dir/tree" O="$dir/obj" LOCALVERSION= kernelrelease >"$tmp/release"
	rm -rf "$out"
	mv "$tmp" "$out"
}

kernel_build_locked() {
	local source=$1 dir=$2 out=$3
	[[ ! -d $out ]] || return 0
	mkdir -p "$dir" "$KHO_CACHE/kernels"
	step "unpacking Linux and applying the series" kernel_prepare_tree "$source" "$dir"
	step "configuring the kernel" kernel_configure "$dir/tree" "$dir/obj"
	step "building the kernel (6 to 12 minutes the first time)" kernel_compile "$dir" "$out"
}

# Builds the kernel unless it is there, and sets KERNEL_DIR and KERNEL_RELEASE.
kernel_build() {
	local source id
	source=$(fetch_linux)
	id=$(source_id "$source")
	KERNEL_DIR=$KHO_CACHE/kernels/$(kernel_key "$id")
	if [[ ! -d $KERNEL_DIR ]]; then
		with_lock "linux-$id" kernel_build_locked "$source" "$KHO_CACHE/linux/$id" "$KERNEL_DIR"
	fi
	[[ -d $KERNEL_DIR ]] || die "the kernel was not built"
	# shellcheck disable=SC2034 # for image.bash
	KERNEL_RELEASE=$(<"$KERNEL_DIR/release")
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Applies a git format-patch series to a large tree by a small detour: git am in
# a repository that holds just the files that the series touches.

# series_files DIR: the patches of DIR/series, in order.
series_files() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1/series" | sed "s|^|$1/|"
}

# series_touched DIR: the files that the series touches.
series_touched() {
	series_files "$1" | xargs -r sed -n 's|^diff --git a/\(.*\) b/.*|\1|p' | LC_ALL=C sort -u
}

# series_am SERIES_DIR PRISTINE OUT: OUT becomes a repository with the touched
# files of PRISTINE, and the series applied with git am, which accepts no fuzz.
series_am() {
	local series=$1 pristine=$2 out=$3 file
	local -a patches
	rm -rf "$out"
	git init -q "$out"
	git -C "$out" config user.name kho-tools
	git -C "$out" config user.email kho-tools@localhost
	while read -r file; do
		[[ -e $pristine/$file ]] || continue
		mkdir -p "$out/$(dirname "$file")"
		cp -a "$pristine/$file" "$out/$file"
	done < <(series_touched "$series")
	git -C "$out" add -Af .
	git -C "$out" commit -q --allow-empty -m "as it was"
	mapfile -t patches < <(series_files "$series")
	((${#patches[@]})) || return 0
	git -C "$out" am -q --keep-cr "${patches[@]}"
}

# series_overlay APPLIED PRISTINE TREE: makes TREE what PRISTINE is with the files
# of APPLIED in place of its own. Only what differs is replaced, so that make sees
# no more change than there is; nothing is written through a hard link.
series_overlay() {
	local applied=$1 pristine=$2 tree=$3 list=$3.touched file from
	local -a now=()
	mapfile -t now < <(cd "$applied" && git ls-files)
	{
		printf '%s\n' "${now[@]}"
		[[ ! -f $list ]] || cat "$list"
	} | LC_ALL=C sort -u | while read -r file; do
		from=$applied/$file
		[[ -e $from ]] || from=$pristine/$file
		if [[ ! -e $from ]]; then
			rm -f "$tree/$file"
		elif ! cmp -s "$from" "$tree/$file"; then
			mkdir -p "$(dirname "$tree/$file")"
			cp "$from" "$tree/$file.new"
			mv -f "$tree/$file.new" "$tree/$file"
		fi
	done
	printf '%s\n' "${now[@]}" >"$list"
}

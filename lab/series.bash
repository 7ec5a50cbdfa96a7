# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A git format-patch series: applies it, turns it into commits, and writes it again. git am runs
# in a repository with only the files that the series touches, because the tree is large.

# series_files DIR: prints the patches of DIR/series, in order.
series_files() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1/series" | sed "s|^|$1/|"
}

# series_touched DIR: prints the files that the series touches.
series_touched() {
	series_files "$1" | xargs -r sed -n 's|^diff --git a/\(.*\) b/.*|\1|p' | LC_ALL=C sort -u
}

# The user's git configuration must not change a byte of a patch.
series_git() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -c user.name=kho-tools \
		-c user.email=kho-tools@localhost -c gc.auto=0 "$@"
}

# series_base OUT NAME: OUT becomes a repository with its files as the commit "base".
# Git writes files above the threshold into one pack, which is faster than one file for each.
series_base() {
	local out=$1 name=$2
	series_git -C "$out" init -q
	series_git -C "$out" -c core.bigFileThreshold=1 add -Af .
	series_git -C "$out" commit -q --allow-empty -m "$name"
	series_git -C "$out" tag -f base >/dev/null
}

# series_copy_touched SERIES_DIR PRISTINE OUT: copies the files of PRISTINE that the series
# touches, and .gitattributes, which changes how git writes a patch.
series_copy_touched() {
	local series=$1 pristine=$2 out=$3 file
	rm -rf "$out"
	mkdir -p "$out"
	{
		series_touched "$series"
		echo .gitattributes
	} | while read -r file; do
		[[ -e $pristine/$file ]] || continue
		mkdir -p "$out/$(dirname "$file")"
		cp -a "$pristine/$file" "$out/$file"
	done
}

# series_apply SERIES_DIR OUT: adds a commit to OUT for each patch. git am accepts no fuzz.
series_apply() {
	local -a patches
	mapfile -t patches < <(series_files "$1")
	((!${#patches[@]})) || series_git -C "$2" am -q --keep-cr --no-scissors "${patches[@]}"
}

# series_am SERIES_DIR PRISTINE OUT: makes OUT a repository with the touched files of PRISTINE
# and the applied series.
series_am() {
	series_copy_touched "$@"
	series_base "$3" "as it was"
	series_apply "$1" "$3"
}

# series_apply_marked SERIES_DIR OUT: like series_apply, with an empty commit "folder NAME" before
# the patches of each folder, so that series_export knows their folders. The ref "exported" is the
# state of the patch files.
series_apply_marked() {
	local series=$1 out=$2 name folder last=.
	while read -r name; do
		name=${name#"$series/"} folder=$(dirname "$name")
		if [[ $folder != "$last" ]]; then
			series_git -C "$out" commit -q --allow-empty -m "folder $folder" || return 1
			last=$folder
		fi
		series_git -C "$out" am -q --keep-cr --no-scissors "$series/$name" || return 1
	done < <(series_files "$series")
	series_git -C "$out" update-ref refs/series/exported HEAD
}

# series_commits DIR: prints "COMMIT FOLDER" of each patch in a marked repository, in order.
series_commits() {
	local dir=$1 commit folder=. subject
	while read -r commit; do
		subject=$(series_git -C "$dir" log -1 --format=%s "$commit")
		if series_git -C "$dir" diff --quiet "$commit^" "$commit"; then
			[[ $subject =~ ^folder\ ([a-z0-9-]+)$ ]] || {
				echo "$commit ($subject) changes nothing: drop it" >&2
				return 1
			}
			folder=${BASH_REMATCH[1]}
			continue
		fi
		[[ ! $subject =~ ^(fixup|squash|amend)! ]] || {
			echo "$commit ($subject) is not squashed: git rebase -i --autosquash base" >&2
			return 1
		}
		printf '%s %s\n' "$commit" "$folder"
	done < <(series_git -C "$dir" rev-list --reverse --first-parent base..HEAD)
}

# series_format DIR OUT: writes the patches of a marked repository, and "series", below OUT. The
# flags omit text that changes without the patch: git's version, abbreviated hashes, the number
# of patches.
series_format() {
	local dir=$1 out=$2 commits commit folder
	local -A numbers=()
	[[ -z $(series_git -C "$dir" rev-list --min-parents=2 base..HEAD) ]] || {
		echo "there are merges since base: a series is a straight line" >&2
		return 1
	}
	commits=$(series_commits "$dir") || return 1
	mkdir -p "$out"
	: >"$out/series"
	while read -r commit folder; do
		[[ $commit ]] || continue
		numbers[$folder]=$((${numbers[$folder]:-0} + 1))
		series_git -C "$dir" format-patch -q -1 --no-numbered --start-number "${numbers[$folder]}" \
			--zero-commit --full-index --no-signature -o "$out/$folder" "$commit" || return 1
		(cd "$out" && printf '%s\n' "$folder/$(printf '%04d' "${numbers[$folder]}")"-*.patch) |
			sed 's|^\./||' >>"$out/series"
	done <<<"$commits"
}

# series_export DIR SERIES_DIR: replaces the patches that SERIES_DIR names by those of DIR. Other
# files stay. Nothing changes unless all patches can be written.
series_export() {
	local dir=$1 series=$2 tmp name
	tmp=$(mktemp -d) || return 1
	series_format "$dir" "$tmp" || {
		rm -rf "$tmp"
		return 1
	}
	series_files "$series" | xargs -r rm -f
	while read -r name; do
		mkdir -p "$series/$(dirname "$name")"
		cp "$tmp/$name" "$series/$name"
	done <"$tmp/series"
	cp "$tmp/series" "$series/series"
	rm -rf "$tmp"
	series_git -C "$dir" update-ref refs/series/exported HEAD
}

# True if both have the same content, and both or none are executable.
series_same_file() {
	cmp -s "$1" "$2" && [[ (-x $1 && -x $2) || (! -x $1 && ! -x $2) ]]
}

# series_overlay APPLIED PRISTINE TREE: makes TREE equal to PRISTINE with the files of APPLIED over
# it. Replaces only files that differ, so that make rebuilds no more than necessary. Never writes
# through a hard link.
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
		elif ! series_same_file "$from" "$tree/$file"; then
			mkdir -p "$(dirname "$tree/$file")"
			cp "$from" "$tree/$file.new"
			mv -f "$tree/$file.new" "$tree/$file"
		fi
	done
	printf '%s\n' "${now[@]}" >"$list"
}

# Prints the lines that a diff on the standard input adds to C and assembler, without comments, empty
# lines, tests and samples.
series_count_code() {
	awk '
		/^diff --git / {
			hunk = 0
			counts = $4 ~ /\.[chS]$/ && $4 !~ /kunit|^b\/(tools\/testing|samples)\//
		}
		/^@@/ { hunk = 1; next }
		!hunk || !counts { next }
		/^\+#if.*KUNIT/ { test = 1 }
		test { test = !/^\+#endif/; next }
		!/^\+/ || /^\+[[:space:]]*($|#[[:space:]]|\/\/|\/\*|\*)/ { next }
		{ n++ }
		END { print n + 0 }'
}

# series_code SERIES_DIR PRISTINE: prints "FOLDER LINES" for each folder: what its patches add together.
series_code() {
	local series=$1 dir commit last folder
	dir=$(mktemp -d) || return 1
	series_am "$series" "$2" "$dir" || return 1
	commit=$(series_git -C "$dir" rev-parse base)
	for folder in $(series_files "$series" | sed "s|^$series/||; s|/.*||" | uniq); do
		last=$(series_git -C "$dir" rev-list --reverse "$commit..HEAD" |
			sed -n "$(series_files "$series" | grep -c "^$series/$folder/")p")
		printf '%s %s\n' "$folder" "$(series_git -C "$dir" diff "$commit" "$last" | series_count_code)"
		commit=$last
	done
	rm -rf "$dir"
}

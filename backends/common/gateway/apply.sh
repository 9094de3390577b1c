# ---- the same for every device. Its own are above: what `kind` of rules it loads, need_own_tools, nft_holds_rules,
# take_stock of what there is of ours, which is_loaded asks, keep_before and warn_of_wait for what goes with it, watch and
# unwatch, load_rules with load_names within it, verify_rules, take_back_rules, settle_rules once they stay, check_rules,
# warn_of_saved, rules_status, place_status and remove_rules, which may have a remove_option. What cannot be read or
# written fails with `why`.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS, 300 at most
    --yes              … never: the files have been tried
    --at-boot          … never, and what is loaded stays, whatever fails
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine${remove_option:+
    $remove_option   … and brings nothing back of what was here before}
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. HCIPOLC_WATCH is how long a first load looks at open connections. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
failed=
why=
patience=20 # seconds
watch_seconds=${HCIPOLC_WATCH:-5}
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
cd -- "$(dirname -- "$0")" || exit 1

say() { printf '%s\n' "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}
# What does not succeed, but is no reason to take all back; and what is, but at boot, where half is more than nothing.
broken() {
  say "$*" >&2
  failed=1
}
fail() { if [ -n "$at_boot" ]; then broken "$*"; else roll_back "$*"; fi; }

# into FILE COMMAND…: what the command writes, all of it. The tools of the kernel do not say that a file system is full;
# cat does.
into() {
  into=$1
  shift
  into_status=$({ { "$@" && echo ok >&3; } | cat >"$into"; } 3>&1) && [ "$into_status" = ok ]
}
# put_file NEW FILE: the one in the place of the other, which goes if there is none; in one step.
put_file() {
  if [ ! -e "$1" ]; then
    [ ! -e "$2" ] || rm -f "$2"
  elif ! cmp -s "$1" "$2"; then
    mkdir -p "${2%/*}" && cp "$1" "$2~" && chmod 644 "$2~" && mv "$2~" "$2" || { rm -f "$2~" && false; }
  fi
}

# has FILE: whether it belongs here. Another one that lies here is of another revision.
has() { case " $files " in *" $1 "*) ;; *) false ;; esac }
need_files() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh: copy the whole folder"; done
}
# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_kernel_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
}
need_no_more() { [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"; }
need_tools() {
  need_files
  need_kernel_tools
  ! has dnsmasq.conf || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  need_no_more
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.$$.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM QUIT
  # Of those who were killed.
  for w in "$run"/work.*; do
    pid=${w#"$run/work."}
    kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$w"
  done
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock" || exit 1
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
  tell_of_killed
  rm -f "$run"/*.waiting "$run"/*.confirmed
}
# Of those that hold the lock no more.
tell_of_killed() {
  for w in "$run"/*.waiting "$run"/*.confirmed; do
    [ ! -e "$w" ] || { w=${w##*/} && say "note: an apply of ${w%.*} ended before it was done; what it loaded stands, unconfirmed"; }
  done
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock" || exit 1
  if flock -n -s 9; then tell_of_killed; else say "another apply.sh is at work$(waiting): what it has loaded may change yet"; fi
  exec 9>&-
}

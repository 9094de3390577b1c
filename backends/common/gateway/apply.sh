# ---- the same for every device. Its own are above: what `kind` of rules it loads, `files` that it needs and `more` that
# it may have, need_own_tools, nft_holds_rules, take_stock of what there is of ours, load_rules with load_names within it,
# take_back_rules, settle_rules once they stay, check_rules, rules_status, place_status and remove_rules.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS
    --yes              … never: the files have been tried
    --at-boot          … never, and dnsmasq keeps no rule away
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
patience=20 # seconds
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
cd -- "$(dirname -- "$0")" || exit 1

say() { echo "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}

# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
  [ ! -e dnsmasq.conf ] || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock"
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock"
  flock -n -s 9 || say "another apply.sh is at work$(waiting): what it has loaded may change yet"
  exec 9>&-
}

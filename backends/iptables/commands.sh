# ---- commands

lock() {
  mkdir -p "$run" || die "cannot write $run"
  exec 9>"$run/lock"
  flock -w 20 9 || die "another apply.sh is at work"
  work=$(mktemp -d) || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
  if [ -e ipset ]; then cp ipset "$work/ipset"; else : >"$work/ipset"; fi
}

other_variant() {
  case $(iptables -V) in *legacy*) other=nft ;; *) other=legacy ;; esac
  ! command -v "iptables-$other-save" >/dev/null ||
    [ "$("iptables-$other-save" 2>/dev/null | grep -c '^-A')" = 0 ] ||
    say "warning: iptables-$other has rules as well, and both variants are asked for every packet"
}

snapshot() {
  for f in $(families); do
    rules_of "$f" >"$work/old.$f" || return 1
    hooks_of "$f" >"$work/hooks.$f" || return 1
    [ ! -s "$work/old.$f" ] || : >"$work/had.ours"
    [ "$table" = shared ] || table_of "$f" >"$work/table.$f" || return 1
  done
  sets_now >"$work/old.sets" || return 1
  [ ! -e "$snippet" ] || cp "$snippet" "$work/old.names"
  [ ! -e "$cache" ] || : >"$work/had.cache"
  changed_names=
}

# What was there before, of ours: rules, then the sets that they name.
roll_back() {
  trap '' INT TERM
  rm -f "$run/$base.waiting"
  say "taking it back: $*" >&2
  bad=
  put_sets "$work/old.sets" || bad=1
  for f in $(families); do
    if [ "$table" = own ]; then
      put_table "$f" "$work/table.$f" || bad=1
    else
      put_rules "$f" "$work/old.$f" $(cat "$work/hooks.$f") || bad=1
    fi
  done
  drop_sets "$work/old.sets" || bad=1
  if [ -n "$changed_names" ]; then
    if [ -e "$work/old.names" ]; then cp "$work/old.names" "$snippet"; else rm -f "$snippet"; fi
    [ -e "$work/had.cache" ] || rm -f "$cache"
    restart_dnsmasq
  fi
  [ -z "$bad" ] || die "NOT all of it could be taken back: look at $(tool 4)-save, $(tool 6)-save and ipset list"
  die "what was there before is back"
}

load() {
  # Each set is filled beside the one in use and swapped in.
  load_sets "$work/ipset" || roll_back "ipset does not take its file"
  put_names || roll_back "dnsmasq does not take dnsmasq.conf"
  for f in $(families); do
    if [ "$table" = own ]; then
      same_table "$f" "rules.v$f" || put_own "$f" "rules.v$f"
    else
      same_rules "$f" "rules.v$f" || put_rules "$f" "rules.v$f" $hooks
    fi || roll_back "$(tool "$f") does not take rules.v$f"
  done
}

await() {
  token=$run/$base.confirmed
  rm -f "$token"
  : >"$run/$base.waiting"
  say "loaded; within $within s, from a new connection: sh $PWD/apply.sh confirm"
  left=$within
  while [ "$left" -gt 0 ] && [ ! -e "$token" ]; do
    sleep 1
    left=$((left - 1))
  done
  rm -f "$run/$base.waiting"
  [ -e "$token" ] || roll_back "not confirmed within $within s"
  rm -f "$token"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --within) [ $# -gt 1 ] && within=$2 && shift || usage ;;
      *) usage ;;
    esac
    shift
  done
  case $within in *[!0-9]* | 0*) usage ;; esac
  lock
  other_variant
  [ "$table" = own ] || [ ! -e "$before" ] || die "the whole filter table is $base's: remove that first"
  [ "$table" = shared ] || others_go
  snapshot || die "cannot read what is there now; nothing was changed"
  # A lost connection must not keep this from taking back what cut it.
  trap '' HUP PIPE
  trap 'roll_back interrupted' INT TERM
  load
  [ -z "$within" ] || await
  trap '' INT TERM
  [ "$table" = shared ] || keep_before || say "warning: $before cannot be written, so remove will not know what was here"
  # Not before: the rules that were there name them.
  drop_sets "$work/ipset" || say "warning: a set that no file has is still there"
  say "done"
}

confirm() {
  [ -e "$run/$base.waiting" ] || die "nothing waits to be confirmed"
  : >"$run/$base.confirmed"
  say "confirmed"
}

check() {
  lock
  other_variant
  for f in 4 6; do [ -e "rules.v$f" ] || die "no rules.v$f beside apply.sh"; done
  # Rules are only taken where their sets are; in a namespace of its own that changes nothing.
  sets='ipset restore <ipset &&'
  [ -e ipset ] || sets=
  beside=--noflush
  [ "$table" = shared ] || beside=
  for f in $(families); do
    unshare -n sh -c "$sets $(tool "$f")-restore --test $beside <rules.v$f" || die "rules.v$f is not taken"
  done
  [ "$table" = shared ] || others_go
  [ ! -e dnsmasq.conf ] || dnsmasq --test -C "$PWD/dnsmasq.conf" || die "dnsmasq.conf is not taken"
  say "all files are taken"
}

status() {
  lock
  same=0
  differs() { say "$*"; same=1; }
  for f in $(families); do
    if [ -z "$(rules_of "$f")" ]; then
      differs "IPv$f: not loaded"
    elif [ "$table" = own ]; then
      same_table "$f" "rules.v$f" || {
        differs "IPv$f: the filter table differs from rules.v$f (- the file, + the kernel)"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+][-:]/p'
      }
    else
      same_rules "$f" "rules.v$f" || {
        differs "IPv$f: differs from rules.v$f (- the file, + the kernel)"
        rules_of "$f" >"$work/now"
        lines "$f" "rules.v$f" >"$work/lines.wanted"
        lines "$f" "$work/now" >"$work/lines.now"
        diff -U0 "$work/lines.wanted" "$work/lines.now" | sed -n '/^[-+]-A/p'
        hook_lines "$f" $hooks | sed 's/^-I \([A-Z]*\) 1 -j \(.*\)/\1 does not jump to \2/; s/^-D \([A-Z]*\) -j \(.*\)/\1 jumps to \2/'
      }
    fi
  done
  sets_now >"$work/sets.now"
  members "$work/ipset" >"$work/members.wanted"
  members "$work/sets.now" >"$work/members.now"
  cmp -s "$work/members.wanted" "$work/members.now" || {
    differs "sets: differ from ipset (- the file, + the kernel)"
    diff -U0 "$work/members.wanted" "$work/members.now" | sed -n '/^[-+]'"$base"'/p'
  }
  [ "$(set_names "$work/ipset")" = "$(set_names "$work/sets.now")" ] || differs "sets: not the same sets as in ipset"
  [ ! -e dnsmasq.conf ] || cmp -s dnsmasq.conf "$snippet" || differs "dnsmasq: $snippet is not dnsmasq.conf"
  [ -e "$unit" ] || say "not loaded at boot (apply.sh persist)"
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

persist() {
  lock
  mkdir -p "$kept" "$(dirname -- "$unit")" || die "cannot write $kept"
  # In one step, so that a boot never meets half of it.
  new=$(mktemp -d "$kept.XXXXXX") || die "cannot write beside $kept"
  for f in rules.v4 rules.v6 ipset dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ ! -e "$f" ] || cp "$f" "$new/" || die "cannot copy $f"
  done
  rm -rf "$kept" && mv "$new" "$kept" || die "cannot replace $kept"
  cat >"$unit" <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules.
[Unit]
Description=hcipolc: packet filter rules of $base
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$base/apply.sh apply --yes

[Install]
WantedBy=sysinit.target
TEXT
  chmod 644 "$unit"
  if [ -z "$root" ] && command -v systemctl >/dev/null; then
    systemctl daemon-reload && systemctl -q enable "hcipolc-$base.service" || die "systemctl does not take the unit"
  else
    say "enable hcipolc-$base.service"
  fi
  say "loaded at every boot, from /etc/hcipolc/$base"
}

remove() {
  lock
  changed_names=
  : >"$work/nothing"
  if [ "$table" = own ]; then
    [ -e "$before" ] || [ -z "$(for f in $(families); do rules_of "$f"; done)" ] ||
      die "$before, with what was here before, is gone: load a filter table of yours with $(tool 4)-restore, then try again"
  elif [ -e "$before" ]; then
    die "the whole filter table is $base's: use the apply.sh that loaded it"
  fi
  for f in $(families); do
    if [ "$table" = own ]; then
      [ ! -e "$before/filter.v$f" ] || put_table "$f" "$before/filter.v$f" || die "$(tool "$f") does not take $before/filter.v$f"
    else
      put_rules "$f" "$work/nothing" || die "another rule of $(tool "$f") leads to a chain of $base"
    fi
  done
  drop_sets "$work/nothing" || die "another rule names a set of $base"
  drop_names
  if [ -e "$unit" ]; then
    [ -n "$root" ] || ! command -v systemctl >/dev/null || systemctl -q disable "hcipolc-$base.service"
    rm -f "$unit"
  fi
  rm -rf "$kept" "$before" "$run/$base.confirmed"
  [ ! -e "$cache" ] || say "$cache stays: other clusters here may need it"
  say "nothing else of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || usage
    "$command"
    ;;
  *) usage ;;
esac

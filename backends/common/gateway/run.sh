# ---- commands

# What was there before, of ours.
roll_back() {
  trap '' INT TERM
  rm -f "$run/$me.waiting"
  say "taking it back: $*" >&2
  bad=
  take_back_rules || bad=1
  take_back_names || bad=1
  [ -z "$bad" ] || die "NOT all of it could be taken back: look at what is loaded"
  die "what was there before is back"
}

await() {
  token=$run/$me.confirmed
  rm -f "$token"
  : >"$run/$me.waiting"
  say "loaded; within $within s, from a new connection: sh $PWD/apply.sh confirm"
  left=$within
  while [ "$left" -gt 0 ] && [ ! -e "$token" ]; do
    sleep 1
    left=$((left - 1))
  done
  rm -f "$run/$me.waiting"
  [ -e "$token" ] || roll_back "not confirmed within $within s"
  rm -f "$token"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=300 ;;
      --within) [ $# -gt 1 ] && within=$2 && shift || usage ;;
      *) usage ;;
    esac
    shift
  done
  case $within in *[!0-9]* | 0*) usage ;; esac
  need_tools
  lock
  take_stock && remember_names || die "cannot read what is there now; nothing was changed"
  warn_of_names
  # A lost connection must not keep this from taking back what cut it.
  trap '' HUP PIPE
  trap 'roll_back interrupted' INT TERM
  load_rules || roll_back "the kernel does not take the rules"
  [ -z "$within" ] || await
  trap '' INT TERM
  settle_rules
  say "done"
}

confirm() {
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  : >"$run/$me.confirmed"
  say "confirmed"
}

check() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh"; done
  need_tools
  look
  check_rules
  [ ! -e dnsmasq.conf ] || dnsmasq --test -C "$PWD/dnsmasq.conf" || die "dnsmasq.conf is not taken"
  warn_of_names
  warn_of_flush
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status
  place_status
  names_status
  boot_status
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

remove() {
  lock
  remove_rules
  drop_names
  drop_boot
  rm -f "$run/$me.confirmed"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
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

# ---- commands

# What was there before, of ours. It acts before it speaks: who would hear it may be cut off.
roll_back() {
  trap '' INT TERM QUIT
  rm -f "$work/room" "$run/$me.waiting"
  bad=
  unwatch
  take_back_rules || bad=1
  take_back_names || bad=1
  rm -f "$run/$me.confirmed"
  [ -n "$bad" ] || die "$*; taken back: what was there before is back"
  rm -rf "$rescue"
  trap - EXIT
  mv "$work" "$rescue" || rescue=$work
  die "$*; NOT all of it could be taken back: look at what is loaded; what was there before is in $rescue"
}
# What would mend it.
rescue=$run/not-taken-back.$me

# To the first rules that ask for the state of a connection, one that is open already is new, and its next packet may come
# from whom nothing allows to open one. So before the first load somebody asks who decides nothing, for as long as it takes
# until most connections have had a packet each way. At boot none is open.
see_connections() {
  [ -z "$at_boot" ] && [ "$watch_seconds" -gt 0 ] && ! is_loaded || return 0
  watch || { say "warning: connections that are open now cannot be seen, and may be refused" && return; }
  # Not before: this is what the connection that it comes through is seen by.
  say "first $watch_seconds s to see which connections are open"
  sleep "$watch_seconds" 9>&-
}

await() {
  rm -f "$run/$me.confirmed" "$run/$me.kept"
  : >"$run/$me.waiting" || roll_back "cannot write $run"
  say "loaded; within $within s, from a new connection: sh '$PWD/apply.sh' confirm"
  warn_of_wait
  left=$within
  while [ "$left" -gt 0 ] && [ -e "$run/$me.waiting" ]; do
    sleep 1 9>&-
    left=$((left - 1))
  done
  # Of two who rename one file one succeeds: this one, or `confirm`.
  mv "$run/$me.waiting" "$work/late" 2>/dev/null && roll_back "not confirmed within $within s"
  [ -e "$run/$me.confirmed" ] || roll_back "not confirmed"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=330 ;; # longer than anybody waits to be confirmed
      --within)
        shift
        within=${1-}
        case $within in '' | *[!0-9]* | 0* | ????*) usage ;; esac
        [ "$within" -le 300 ] || usage
        ;;
      *) usage ;;
    esac
    shift
  done
  need_tools
  lock
  unwatch
  take_stock && remember_names || die "cannot read what is there now ($why); nothing was changed"
  # To take all back, even if something else fills this file system meanwhile.
  into "$work/state" cat "$work"/old* "$work"/was* $files &&
    into "$work/room" cat "$work/state" "$work/state" "$work/state" "$work/state" || [ -n "$at_boot" ] ||
    die "no room in $run for what is there now; nothing was changed"
  keep_before || fail_before
  warn_of_names
  # A lost connection, or a terminal that stops this, must not keep it from taking back what cut it.
  trap '' HUP PIPE TSTP TTOU USR1 USR2 ALRM
  [ -n "$at_boot" ] || trap 'roll_back interrupted' INT TERM QUIT
  see_connections
  load_rules
  unwatch
  verify_rules || fail "the kernel has not what the files say"
  [ -z "$within" ] || await
  trap '' INT TERM QUIT
  settle_rules
  [ -z "$within" ] || mv "$run/$me.confirmed" "$run/$me.kept"
  [ -z "$failed" ] || die "NOT all of it succeeded"
  say "done"
}
fail_before() {
  [ -n "$at_boot" ] || die "$before cannot be written, so \`remove\` would not know what was here; nothing was changed"
  broken "$before cannot be written, so \`remove\` will not know what was here"
}

confirm() {
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  exec 9>"$run/lock" || exit 1
  ! flock -n 9 || die "what waited was killed: what it loaded stands, unconfirmed"
  mv "$run/$me.waiting" "$run/$me.confirmed" 2>/dev/null || die "too late: it is being taken back"
  # Until it has answered, or is gone.
  while [ -e "$run/$me.confirmed" ] && ! flock -n 9; do sleep 1; done
  [ -e "$run/$me.kept" ] || die "too late, or what waited was killed: look at what is loaded"
  rm -f "$run/$me.kept"
  say "confirmed"
}

check() {
  need_tools
  look
  check_rules
  { ! has dnsmasq.conf && [ ! -e "$mine" ]; } || { make_names dnsmasq.conf && test_names; } || die "$why"
  warn_of_names
  warn_of_flush
  warn_of_saved
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status || die "cannot read or compare: $why"
  place_status
  names_status
  boot_status
  warn_of_saved
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

# away FILE…: what stays is in `left`.
away() {
  for a in "$@"; do rm -rf "$a" || left="$left; $a"; done
}
remove() {
  need_kernel_tools
  need_no_more
  lock
  unwatch
  left=
  remove_rules
  drop_names
  drop_boot
  away "$run/$me.kept" "$rescue"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
  [ -z "$left" ] || die "the rules are gone; NOT removed: ${left#; }"
  say "nothing of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || { [ "$command $*" = "remove $remove_option" ] && without_before=1; } || usage
    "$command"
    ;;
  *) usage ;;
esac

# ---- at boot: a copy of the files, and a unit that loads it

homes=$root/etc/hcipolc
kept=$homes/$me
units=$root/etc/systemd/system
unit=hcipolc-$me.service

# What loads rules of others at boot may begin with taking away all rules: this comes after it, and again whenever it is
# run again. Those that are not here cost nothing.
loaders='nftables.service netfilter-persistent.service iptables.service ip6tables.service ferm.service firewalld.service'
unit_text() {
  cat <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules; after those who load a
# whole ruleset of their own, \`flush ruleset\` and all, and again whenever they do.
[Unit]
Description=hcipolc: packet filter rules of $base ($kind)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service $loaders
PartOf=$loaders
ReloadPropagatedFrom=$loaders
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
ExecReload=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
TimeoutStartSec=360

[Install]
WantedBy=sysinit.target $loaders
TEXT
}

# same_as_loaded: nothing is to come at boot that has never been loaded.
same_as_loaded() {
  same=0
  rules_status >"$work/said" || die "cannot read or compare: $why"
  ! has dnsmasq.conf || cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf" >>"$work/said"
  [ "$same" = 0 ] || cat "$work/said" >&2
  return "$same"
}
# The copies but for one.
drop_copies() {
  for d in "$kept".??????; do [ ! -d "$d" ] || [ "$d" = "$1" ] || rm -rf "$d"; done
}

persist() {
  need_tools
  lock
  same_as_loaded || die "these files are not what is loaded: \`apply\` and \`confirm\` them first"
  mkdir -p "$homes" "$units" || die "cannot write $homes"
  new=$(mktemp -d "$kept.XXXXXX") || die "cannot write beside $kept"
  trap 'rm -rf "$work" "$new" "$new.link" "$units/$unit.new"' EXIT
  for f in $files apply.sh; do cp "$f" "$new/" || die "cannot copy $f"; done
  unit_text >"$units/$unit.new" && chmod 644 "$units/$unit.new" || die "cannot write $unit"
  sync "$new"/* "$new" "$units/$unit.new" || die "cannot write $kept"
  # A link changes in one step, so that a boot meets the one copy or the other.
  ln -s "${new##*/}" "$new.link" && mv -T "$new.link" "$kept" || die "cannot replace $kept"
  trap 'rm -rf "$work"' EXIT
  mv "$units/$unit.new" "$units/$unit" || die "cannot write $unit"
  drop_copies "$new"
  if [ -n "$systemctl" ]; then
    "$systemctl" daemon-reload && "$systemctl" -q enable "$unit" || die "systemctl does not take the unit"
  else
    say "enable $unit"
  fi
  warn_of_flush
  warn_of_saved
  say "loaded at every boot, from /etc/hcipolc/$me"
}

warn_of_flush() {
  nft_holds_rules && grep -Eqs '^[[:blank:]]*flush[[:blank:]]+ruleset' "$root/etc/nftables.conf" || return 0
  say "note: /etc/nftables.conf has \`flush ruleset\`, so loading it takes these rules away; after \`persist\`," \
    "\`systemctl restart nftables\` loads them again, \`nft -f\` does not"
}

boot_status() {
  [ -e "$units/$unit" ] || {
    say "not loaded at boot (apply.sh persist)"
    return
  }
  for f in $files apply.sh; do
    cmp -s "$f" "$kept/$f" || differs "at boot another $f is loaded than this one (apply.sh persist)"
  done
  unit_text | cmp -s - "$units/$unit" || differs "$unit is not what \`apply.sh persist\` writes"
  [ -z "$systemctl" ] || "$systemctl" -q is-enabled "$unit" || differs "$unit is not enabled, so nothing is loaded at boot"
}

# A unit that is gone but still active could not be started again later.
drop_boot() {
  if [ -e "$units/$unit" ]; then
    [ -z "$systemctl" ] || "$systemctl" -q disable --now "$unit" || left="$left; systemctl does not stop $unit"
    away "$units/$unit"
    [ -z "$systemctl" ] || "$systemctl" daemon-reload || left="$left; systemctl does not reload"
  fi
  away "$kept" "$units/$unit.new"
  for d in "$kept".?????? "$kept".??????.link; do [ ! -e "$d" ] && [ ! -L "$d" ] || away "$d"; done
}

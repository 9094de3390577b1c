# apply.sh where the file system is full that it works in, or half a file is there: `a` is a cluster behind iptables, `n` the
# same behind nftables, `later` is a's without names. In network and mount namespaces of its own.
# usage: V=nft sh gateway_full.sh, in a folder with a/, n/ and later/
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"
etc=$here/root/etc
names=$etc/hcipolc/dnsmasq.d
here_state >nothing

for size in 4 12 24 48 96 256; do
  for f in a n; do
    mount -t tmpfs -o "size=${size}k" none root/run
    if apply $f >said 2>&1; then
      umount root/run
      sh $f/apply.sh status >said 2>&1 || { echo "not ok $f is not loaded although it says so ($size k)" && cat said; }
      sh $f/apply.sh remove >said 2>&1
      loaded=$size
    else
      umount root/run
    fi
    leaves nothing >out || { echo "not ok $f leaves something ($size k)" && cat said out; }
    [ ! -e "$names/$f" ] || echo "not ok names stay"
  done
done
ok "with room enough it is loaded" test "$loaded" = 256
ok "a" apply a
ok "n" apply n
here_state >loaded.state
cp "$etc/dnsmasq.d/hcipolc.conf" loaded.conf
for size in 4 12 24 48 96; do
  mount -t tmpfs -o "size=${size}k" none root/run
  sh later/apply.sh apply --within 1 >said 2>&1 && echo "not ok nobody confirmed"
  sh a/apply.sh status >said 2>&1 && grep -q 'as the files say' said && : >seen
  umount root/run
  leaves loaded.state >out || { echo "not ok what was there is not back ($size k)" && cat said out; }
  cmp loaded.conf "$etc/dnsmasq.d/hcipolc.conf" >out || { echo "not ok its names are not ($size k)" && cat out; }
done
ok "status sees what is there where it can" test -e seen
: >empty
cp -r a half
head -n -2 a/rules.v4 >half/rules.v4
ok "half a file is not taken" fails apply half
: >half/rules.v4
ok "nor an empty one" fails apply half
ok "nor by check" fails sh half/apply.sh check
ok "what was there is there" leaves loaded.state
echo "done"

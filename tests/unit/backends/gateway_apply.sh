# What apply.sh of every gateway has in common, and several of them on one: `a` and `b` are clusters behind iptables, `n`
# is a's behind nftables, `later` is a's without names. In a network namespace of its own.
# usage: V=nft sh gateway_apply.sh, in a folder with a/, b/, n/, later/ and ask.py
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"
etc=$here/root/etc

# ---- what is not here is said before anything is tried
mkdir few
ln -s /usr/bin/* /usr/sbin/* few/ 2>/dev/null
ln -sf "$here"/tools/* few/
rm -f few/ipset few/dnsmasq
cp -r a bare
sed -i '/^PATH=/d' bare/apply.sh
here_state >nothing
few() { PATH=$here/few "$@"; }
ok "packages that are missing are named" says 'apt-get install ipset dnsmasq)' few apply bare
ok "by check as well" says 'apt-get install ipset dnsmasq)' few sh bare/apply.sh check
ok "nothing was tried" fails grep -q 'taking it back' said
cp -r later bare-later
sed -i '/^PATH=/d' bare-later/apply.sh
rm -f bare-later/ipset
sed -i "s/^files='ipset /files='/" bare-later/apply.sh
ok "what the files do not need may be missing" says 'HCI-prod' few sh bare-later/apply.sh status
ok "and is not asked for" fails grep -q 'ipset\|dnsmasq' said
ok "nor by check" few sh bare-later/apply.sh check
export HCIPOLC_ROOT="$here/elsewhere"
ok "a dnsmasq that reads no such folder is no success" fails apply a
ok "and it is said" says 'every name would stay blocked' apply a
export HCIPOLC_ROOT="$here/root"
ln -s "$(command -v ipset)" few/ipset
ok "at boot rules are loaded without dnsmasq" says 'names stay blocked' few sh bare/apply.sh apply --at-boot
ok "they are there" iptables -L HCI-prod.ours
ok "they go" sh a/apply.sh remove
here_state | cmp -s - nothing || echo "not ok something was loaded"

# ---- clusters share dnsmasq
ok "the first cluster" env TMPDIR=/nowhere sh a/apply.sh apply --yes
ok "the second" apply b
ok "the first's other firewall" apply n
ok "each is as its files say" sh a/apply.sh status
ok "the second too" sh b/apply.sh status
ok "the third too" sh n/apply.sh status
ok "a line has the sets of all" grep -qx 'ipset=/www.example.com/HCI-other.www-dns4,HCI-prod.www-dns4' "$etc/dnsmasq.d/hcipolc.conf"
ok "and those of what it lies below" grep -qx 'ipset=/deep.example.org/HCI-other.deep-dns4,HCI-prod.org-dns4' "$etc/dnsmasq.d/hcipolc.conf"
cp "$etc/dnsmasq.d/hcipolc.conf" shared.conf
ip link set lo up
common="--no-resolv --no-hosts --bind-interfaces --keep-in-foreground --user=root --pid-file"
dnsmasq $common -C /dev/null --listen-address=127.0.0.2 --address=/www.example.com/203.0.113.1 \
  --address=/deep.example.org/203.0.113.2 --address=/example.org/203.0.113.3 2>upstream &
upstream=$!
dnsmasq $common -C /dev/null -7 "$etc/dnsmasq.d" --listen-address=127.0.0.1 --server=127.0.0.2 2>resolver &
resolver=$!
python3 ask.py www.example.com deep.example.org example.org
kill $upstream $resolver
ok "an answer fills the first's set" ipset test HCI-prod.www-dns4 203.0.113.1
ok "and the second's" ipset test HCI-other.www-dns4 203.0.113.1
ok "a longer name's fills both" ipset test HCI-prod.org-dns4 203.0.113.2
ok "also the other cluster's" ipset test HCI-other.deep-dns4 203.0.113.2
ok "which the shorter does not" fails ipset test HCI-other.deep-dns4 203.0.113.3
ok "and the other firewall's set" nft get element inet HCI-prod dns4.www '{ 203.0.113.1 }'
ipset flush HCI-prod.www-dns4
apply a >/dev/null 2>&1
ok "at boot it is the same" cmp shared.conf "$etc/dnsmasq.d/hcipolc.conf"

echo 'ipset = /Www.Example.Com/site' >"$etc/dnsmasq.d/site.conf"
ok "a line of somebody else is warned of" says 'site.conf has a line for www.example.com' sh a/apply.sh check
ok "by apply too" says 'site.conf has a line for www.example.com' apply a
ok "and is a difference" fails sh b/apply.sh status
echo 'ipset=/below.www.example.com/site' >"$etc/dnsmasq.d/site.conf"
ok "so is one below it" fails sh b/apply.sh status
echo 'ipset=/other.example.com/site' >"$etc/dnsmasq.d/site.conf"
ok "another name is not" sh b/apply.sh status
rm "$etc/dnsmasq.d/site.conf"

# ---- how long answers are kept
rm "$etc/dnsmasq.d/hcipolc-cache.conf"
ok "a cache without a bound is a difference" fails sh a/apply.sh status
echo ' max-ttl = 600' >"$etc/dnsmasq.conf"
ok "what somebody has set" apply a
ok "is left out" test "$(grep -v '^#' "$etc/dnsmasq.d/hcipolc-cache.conf")" = max-cache-ttl=3600
ok "so dnsmasq starts" dnsmasq --test -C "$etc/dnsmasq.conf" -7 "$etc/dnsmasq.d"
ok "and nothing differs" sh a/apply.sh status
echo 'max-cache-ttl=100000' >"$etc/dnsmasq.conf"
ok "what is too long is warned of" says 'max-cache-ttl=100000 in .*names will be blocked' apply a
echo 'nonsense=1' >"$etc/dnsmasq.conf"
ok "with a configuration that does not start" fails apply later
ok "a change is taken back" cmp a/dnsmasq.conf "$etc/hcipolc/dnsmasq.d/iptables-HCI-prod.conf"
ok "all of it" cmp shared.conf "$etc/dnsmasq.d/hcipolc.conf"
rm "$etc/dnsmasq.conf"
ok "and goes once it does" apply a

# ---- what cannot be read is not empty
here_state >loaded
rm tools/iptables-save # a link, through which the tool itself would be written
cat >tools/iptables-save <<TEXT
#!/bin/sh
[ ! -s $here/failures ] || { sed -i 1d $here/failures && exit 1; }
exec /usr/sbin/iptables-$V-save "\$@"
TEXT
chmod +x tools/iptables-save
rm -rf bad
cp -r later bad
echo nonsense >>bad/rules.v4
for n in 1 2 3 4; do
  yes | head -n "$n" >failures
  ok "a failing iptables-save ($n) keeps apply from success" fails apply bad
  : >failures
  here_state | diff loaded - >out || { echo "not ok a failing iptables-save ($n) costs rules" && cat out; }
done
echo y >failures
ok "status says that it cannot read" says 'cannot read' sh a/apply.sh status
echo y >failures
ok "remove does nothing then" fails sh a/apply.sh remove
: >failures
ln -sf "/usr/sbin/iptables-$V-save" tools/iptables-save
cat >tools/ipset <<TEXT
#!/bin/sh
[ "\$1" != save ]
TEXT
chmod +x tools/ipset
ok "nor without ipset's word" says 'nothing was changed' apply bad
ok "status says so too" says 'cannot read .*the sets' sh a/apply.sh status
rm tools/ipset
here_state | diff loaded - || echo "not ok sets were lost"

# ---- at boot
export HCIPOLC_SYSTEMCTL="$here/tools/systemctl"
cat >tools/systemctl <<TEXT
#!/bin/sh
echo "\$@" >>$here/systemd
[ ! -e "$here/no.\${2-}" ]
TEXT
chmod +x tools/systemctl
ok "what is not loaded is not kept" fails sh later/apply.sh persist
ok "for which it says why" says 'first' sh later/apply.sh persist
ok "and nothing is there" fails ls -d "$etc"/hcipolc/iptables-HCI-prod*
ok "what is loaded is" sh a/apply.sh persist
ok "the other firewall's" sh n/apply.sh persist
u=$etc/systemd/system/hcipolc-iptables-HCI-prod.service
ok "its unit comes after those who flush" grep -q '^After=.* nftables.service netfilter-persistent.service' "$u"
ok "and again after them" grep -q '^PartOf=nftables.service netfilter-persistent.service' "$u"
ok "and when they reload" grep -q '^ReloadPropagatedFrom=nftables.service' "$u"
ok "which it can" grep -q '^ExecReload=/bin/sh /etc/hcipolc/iptables-HCI-prod/apply.sh apply --at-boot' "$u"
echo 'flush ruleset' >"$etc/nftables.conf"
ok "who flushes is named" says 'nftables.conf has `flush ruleset`' sh a/apply.sh check
ok "on nftables too" says 'nftables.conf has `flush ruleset`' sh n/apply.sh check
rm "$etc/nftables.conf"
ok "or is not" fails says 'flush ruleset' sh n/apply.sh check
mkdir "$etc/iptables"
iptables-save >"$etc/iptables/rules.v4"
ok "what others saved meanwhile is named" says 'rules.v4 was saved while rules of HCI-prod were loaded' sh a/apply.sh check
ok "by status too" says 'all of it fails; this takes them out: ' sh a/apply.sh status
ok "by persist too" says 'rules.v4 was saved' sh a/apply.sh persist
sh -c "$(sed -n 's/.*this takes them out: //p' said)"
ok "its remedy takes ours out" fails grep -q HCI-prod "$etc/iptables/rules.v4"
ok "and nothing of others" grep -q '^-A FORWARD -j HCI-other$' "$etc/iptables/rules.v4"
ok "so it is named no more" fails says 'rules.v4 was saved' sh a/apply.sh check
rm -r "$etc/iptables"
cp -r a same-rules
sed -i '1a # another revision' same-rules/rules.v4
ok "another revision at boot is a difference" fails sh same-rules/apply.sh status
ok "that is named" says 'at boot another rules.v4' sh same-rules/apply.sh status
ok "persist ends it" sh same-rules/apply.sh persist
ok "so it does" sh same-rules/apply.sh status
printf '#!/bin/sh\ncase $1 in apply.sh) exit 1 ;; esac\nexec /bin/cp "$@"\n' >tools/cp
chmod +x tools/cp
ok "where no file fits" fails sh a/apply.sh persist
rm tools/cp
ok "the copy is what it was" diff -r same-rules "$etc/hcipolc/iptables-HCI-prod/"
ok "and no other is left" test "$(ls -d "$etc"/hcipolc/iptables-HCI-prod* | wc -l)" = 2

# ---- who waits keeps nobody from looking
sh later/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
begin=$(date +%s)
ok "status of another cluster" says 'iptables-HCI-prod waits to be confirmed' sh b/apply.sh status
ok "check too" says 'iptables-HCI-prod waits to be confirmed' sh b/apply.sh check
ok "neither waits" test "$(($(date +%s) - begin))" -lt 15
ok "its own confirm" sh later/apply.sh confirm
wait
ok "takes effect" says 'done' cat applied
ok "its names are gone, the others' are not" grep -qx 'ipset=/www.example.com/HCI-other.www-dns4' "$etc/dnsmasq.d/hcipolc.conf"
ok "the revision at boot is another" says 'at boot another' sh later/apply.sh status
ok "back" apply a

# ---- who is asked before
iptables -N SITE
iptables -I FORWARD 1 -j SITE
ok "a chain that is asked before is named" says 'is asked before HCI-prod: -A FORWARD -j SITE' sh a/apply.sh status
ok "which is no difference" sh same-rules/apply.sh status
iptables -I FORWARD 1 -s 192.0.2.0/24 -j ACCEPT
ok "a rule that decides before is one" fails sh a/apply.sh status
ok "and is named" says 'decides before HCI-prod is asked: -A FORWARD -s 192.0.2.0/24 -j ACCEPT' sh a/apply.sh status
iptables -D FORWARD 1
iptables -D FORWARD 1
iptables -X SITE

# ---- what goes takes nobody with it
: >systemd
ok "remove" sh a/apply.sh remove
ok "its unit is stopped" grep -q 'disable --now hcipolc-iptables-HCI-prod.service' systemd
ok "and forgotten" test "$(tail -n 1 systemd)" = daemon-reload
ok "with its copies" fails ls -d "$etc"/hcipolc/iptables-HCI-prod*
ok "the other firewall stays" sh n/apply.sh status
ok "over a boot as well" test -e "$etc/systemd/system/hcipolc-nftables-HCI-prod.service"
ok "so does the other cluster" sh b/apply.sh status
ok "remove it" sh b/apply.sh remove
ok "remove the last" sh n/apply.sh remove
ok "nothing is left" fails ls "$etc/dnsmasq.d/hcipolc.conf"
ok "nor a folder of ours" fails ls -d "$etc/hcipolc"
ok "nor a unit" fails ls "$etc"/systemd/system/*
rm -rf tools/systemctl
here_state | diff nothing - >out || { echo "not ok something stays" && cat out; }
ok "nor a folder to work in" fails ls -d root/run/hcipolc/work*
echo "done"

# What apply.sh of a first load does to connections that are open before anything here is tracked: `i` and `n` are a
# machine's rules for iptables and nftables, which let 10.0.9.1 open connections to port 22 of 10.0.5.10. In a network
# namespace of its own.
# usage: V=nft|legacy sh gateway_open.sh, in a folder with i/, n/ and talk.py
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"
rm tools/sleep
quick() { HCIPOLC_WATCH=0 apply "$1"; }
slow() { HCIPOLC_WATCH=1 apply "$1"; }
watched() { iptables -S FORWARD 2>/dev/null | grep -q hcipolc-watch || nft list tables | grep -q hcipolc-watch; }

unshare -n sh -c 'echo $$ >peer && exec sleep 100' &
until_so test -s peer
peer=$(cat peer)
ip link set lo up
ip link add outside type veth peer name inside netns "$peer"
ip address add 10.0.5.10/16 dev outside
ip link set outside up
nsenter -t "$peer" -n sh -c 'ip address add 10.0.9.1/16 dev inside && ip link set inside up'
# over COMMAND…: whether a connection lives on over it that the peer has opened, over which the machine speaks.
over() {
  rm -f open end alive
  python3 talk.py 10.0.5.10 listen &
  speaker=$!
  nsenter -t "$peer" -n python3 talk.py 10.0.5.10 &
  until_so test -e open
  "$@" || return 2
  sleep 0.3
  : >end
  wait "$speaker"
  test -e alive
}
# refused MACHINE: what nobody has seen. The kernel looks on for a while after the last rule that asks is gone.
refused() {
  for attempt in 1 2 3 4 5; do
    over quick "$1"
    [ $? != 1 ] || return 0
    sh "$1/apply.sh" remove >said 2>&1
    sleep 1
  done
  return 1
}
for machine in i n; do
  ok "$machine: a connection lives on over the first load" over slow "$machine"
  ok "nobody asks for it any more" fails watched
  ok "the rules are there" sh $machine/apply.sh status
  ok "over the next as well, which needs no time" over quick "$machine"
  HCIPOLC_WATCH=60 apply $machine >said
  ok "nor takes any" fails grep -q 'which connections are open' said
  sh $machine/apply.sh remove >said 2>&1
  ok "without a look it is refused" refused "$machine"
  sh $machine/apply.sh remove >said 2>&1

  HCIPOLC_WATCH=60 sh $machine/apply.sh apply --at-boot >said 2>&1
  ok "at boot nothing is open" fails grep -q 'which connections are open' said
  sh $machine/apply.sh remove >said 2>&1
  state >nothing
  nft list tables >no.tables
  HCIPOLC_WATCH=2 env --default-signal=QUIT sh $machine/apply.sh apply --yes >said 2>&1 &
  until_so watched
  kill -QUIT $!
  ok "Ctrl-\\ ends it" fails wait $!
  ok "with nothing loaded" grep -q 'interrupted; taken back' said
  ok "and nobody asking" fails watched
  ok "as before" same_as nothing
  HCIPOLC_WATCH=60 sh $machine/apply.sh apply --yes >said 2>&1 &
  until_so watched
  kill -9 $!
  wait $! 2>/dev/null
  ok "who was killed leaves the question" watched
  ok "until the next command" sh $machine/apply.sh remove
  ok "takes it away" fails watched
  ok "and all is as before" same_as nothing
  ok "to the tables" sh -c 'nft list tables | diff no.tables -'
done
kill "$peer"
echo "done"

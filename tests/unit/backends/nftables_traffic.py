# Sends real packets through a gateway with a ruleset and says what became of each.
#
# usage: unshare -n python3 nftables_traffic.py RULESET PROBES
#
# This process is the gateway, in a network namespace of its own. Two children, each in another, are the
# hosts before and behind it; they take on the addresses of each probe. PROBES has a line for each: source,
# destination, protocol (tcp, udp or icmp) and port (of icmp: 8, or 128 for IPv6). Prints a line for each:
# `pass` (an answer came back), `reset`, `unreachable` (an ICMP error) or `silence`.
import ctypes, errno, json, os, select, signal, socket, struct, subprocess, sys, time

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
SILENCE = 0.7  # seconds; everything happens on this machine
libc = ctypes.CDLL(None, use_errno=True)


def ip(*lines, family=None):
    command = ["ip", family, "-batch", "-"] if family else ["ip", "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


def mac(net, end):
    """Neighbours know each other from the start: looking for them takes time, and is not the matter."""
    return f"02:00:00:00:0{net}:0{end}"


def settle():
    """No spoofing checks, no waiting for duplicate addresses, no rate of ICMP errors."""
    for key, value in (("ipv4/conf/all/rp_filter", 0), ("ipv4/conf/default/rp_filter", 0),
                       ("ipv6/conf/all/accept_dad", 0), ("ipv6/conf/default/accept_dad", 0),
                       ("ipv4/icmp_ratelimit", 0), ("ipv6/icmp/ratelimit", 0)):
        with open("/proc/sys/net/" + key, "w") as f:
            f.write(str(value))


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Host:
    """A child in its own namespace that answers requests, one JSON value a line."""

    def __init__(self, side, serve):
        to_child, self.out = os.pipe()
        self.back, from_child = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.out)
            os.close(self.back)
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if libc.unshare(CLONE_NEWNET) != 0:
                os._exit(1)
            settle()
            os.write(from_child, b"\n")
            for line in os.fdopen(to_child):
                answer = serve(side, json.loads(line))
                os.write(from_child, json.dumps(answer).encode() + b"\n")
            os._exit(0)
        os.close(to_child)
        os.close(from_child)
        self.answers = os.fdopen(self.back)
        self.answers.readline()

    def tell(self, *request):
        os.write(self.out, json.dumps(request).encode() + b"\n")

    def answer(self):
        return json.loads(self.answers.readline())

    def ask(self, *request):
        self.tell(*request)
        return self.answer()


class Serving:
    """What a host does: `up` once, then `be` and `listen` behind the gateway, `send` before it."""

    def __init__(self):
        self.address = None
        self.sockets = []

    def __call__(self, side, request):
        return getattr(self, request[0])(side, *request[1:])

    def up(self, side):
        net = {"left": "1", "right": "2"}[side]
        ip("link set lo up", f"addr add 192.0.0.{net}2/24 dev {side}",
           f"addr add fd99:{net}::2/64 dev {side} nodad", f"link set {side} up",
           *(f"neigh replace {hop} lladdr {mac(net, 1)} dev {side}"
             for hop in (f"192.0.0.{net}1", f"fd99:{net}::1")),
           f"route add default via 192.0.0.{net}1 dev {side} onlink")
        ip(f"route add default via fd99:{net}::1 dev {side}", family="-6")

    def be(self, side, address):
        length = 128 if ":" in address else 32
        nodad = " nodad" if ":" in address else ""
        if self.address:
            ip(f"addr del {self.address} dev lo")
        self.address = f"{address}/{length}"
        ip(f"addr add {self.address} dev lo{nodad}")
        # The kernel makes the route to an IPv6 address a moment later.
        show = ["ip", "-6" if ":" in address else "-4", "route", "show", "table", "local", address]
        for attempt in range(100):
            if subprocess.run(show, capture_output=True, check=True).stdout:
                return
            time.sleep(0.01)
        sys.exit(f"{address} is not local")

    def listen(self, side, address, protocol, port):
        for one in self.sockets:
            one.close()
        self.sockets = []
        if protocol != "icmp":  # echo requests are the kernel's to answer
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            server = socket.socket(family_of(address), kind)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            if protocol == "tcp":
                server.listen()
            self.sockets.append(server)

    def answer(self, side):
        """Sends back what has come; true if something had."""
        server = self.sockets[0]
        if not select.select([server], [], [], SILENCE)[0]:
            return False
        data, peer = server.recvfrom(100)
        server.sendto(data, peer)
        return True

    def send(self, side, source, address, protocol, port):
        family = family_of(address)
        try:
            if protocol == "icmp":
                return self.echo(family, source, address)
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            with socket.socket(family, kind) as client:
                client.settimeout(SILENCE)
                client.bind((source, 0))
                client.connect((address, port))
                if protocol == "udp":
                    client.send(b"x")
                    client.recv(100)
                return "pass"
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "reset"
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EHOSTUNREACH):  # as the ICMP error says
                return "unreachable"
            return errno.errorcode[error.errno]

    def echo(self, family, source, address):
        v6 = family == socket.AF_INET6
        protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
        with socket.socket(family, socket.SOCK_RAW, protocol) as client:
            client.settimeout(SILENCE)
            client.bind((source, 0))
            head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 65535, 1)
            if not v6:  # of IPv6 the kernel sums
                words = sum(struct.unpack("!4H", head))
                check = ~((words & 65535) + (words >> 16)) & 65535
                head = head[:2] + struct.pack("!H", check) + head[4:]
            client.sendto(head, (address, 0))
            while True:
                data, peer = client.recvfrom(2000)
                kind = data[0] if v6 else data[20]
                if kind in (129, 0):
                    return "pass"
                if kind in (1, 3):
                    return "unreachable"


def probe(hosts, source, address, protocol, port):
    left, right = hosts["left"], hosts["right"]
    left.ask("be", source)
    right.ask("be", address)
    right.ask("listen", address, protocol, port)
    left.tell("send", source, address, protocol, port)
    if protocol == "udp":
        right.ask("answer")
    return left.answer()


def main(ruleset, probes):
    settle()
    ip("link set lo up")
    hosts = {side: Host(side, Serving()) for side in ("left", "right")}
    for net, (side, host) in enumerate(hosts.items(), 1):
        ip(f"link add to-{side} address {mac(net, 1)} type veth "
           f"peer name {side} address {mac(net, 2)} netns {host.pid}",
           f"addr add 192.0.0.{net}1/24 dev to-{side}",
           f"addr add fd99:{net}::1/64 dev to-{side} nodad", f"link set to-{side} up",
           *(f"neigh replace {hop} lladdr {mac(net, 2)} dev to-{side}"
             for hop in (f"192.0.0.{net}2", f"fd99:{net}::2")))
        host.ask("up")
    # What comes from the left goes to the right and back, whatever its addresses; the gateway's own
    # refusals go to the left.
    for family, hop in (("-4", "192.0.0.{}2"), ("-6", "fd99:{}::2")):
        onlink = " onlink" if family == "-4" else ""
        left, right = (f"default via {hop.format(n)} dev to-{side}{onlink}"
                       for n, side in ((1, "left"), (2, "right")))
        ip(f"route add {right} table 100", f"route add {left} table 101", f"route add {left}",
           "rule add iif to-left lookup 100 pref 10", "rule add iif to-right lookup 101 pref 10",
           family=family)
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        with open("/proc/sys/net/" + path, "w") as f:
            f.write("1")
    # An interface that has just come up loses its first packets.
    for pair in (("198.18.0.1", "198.18.0.2"), ("fd98::1", "fd98::2")):
        if not any(probe(hosts, *pair, "udp", 9) == "pass" for attempt in range(10)):
            sys.exit("no way from the one host to the other")
    subprocess.run(["nft", "-f", ruleset], check=True)
    for line in open(probes):
        source, address, protocol, port = line.split()
        outcome = probe(hosts, source, address, protocol, int(port))
        if outcome == "silence":  # a ruleset drops the second as well, a busy machine does not
            outcome = probe(hosts, source, address, protocol, int(port))
        print(outcome)


main(*sys.argv[1:])

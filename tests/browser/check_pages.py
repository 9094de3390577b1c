# Loads the pages that hcipolc writes in a browser and uses them as a person would.
# usage: check_pages.py HCIPOLC [FOLDER FOR SCREENSHOTS]; exit code 0 if all is well.
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from browser import Browser

repository = pathlib.Path(__file__).resolve().parents[2]
failures = []


def expect(condition, *message):
    if not condition:
        failures.append(" ".join(str(part) for part in message))


def run(hcipolc, *arguments, folder=repository):
    return subprocess.run([hcipolc, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


# ---- what has to be seen, read from `doc --format json` and not from the page

class Row:
    def __init__(self, feature, rule, opening):
        self.key = f"{feature['name']}.{rule['name']}|{' '.join(opening['clouds'])}"
        self.tier = feature["tier"] or ""
        self.clouds = opening["clouds"]
        self.ports = opening["ports"]
        said = [feature["name"], feature["title"], feature["tier"], rule["name"], rule["title"], rule["note"],
                opening["service"], opening["default_service"]]
        for peer in opening["from"] + opening["to"]:
            said += [peer["name"], peer["title"], peer["tag"], *peer["addresses"]]
            said += [host["host"] for host in peer["hosts"]]
        self.text = "\n".join(part for part in said if part).lower()

    def meets(self, asked):
        parts = re.fullmatch(r"(?:(tcp|udp)/)?(\d+)(?:-(\d+))?", asked)
        protocol, first, last = parts[1], int(parts[2]), int(parts[3] or parts[2])
        if self.ports is None:
            return True
        return any(protocol in (None, own["protocol"]) and own["first"] <= last and first <= own["last"]
                   for own in self.ports)


def rows_of(catalogue):
    return [Row(feature, rule, opening) for feature in catalogue["features"] for rule in feature["rules"]
            for opening in rule["openings"]]


def wanted(rows, words="", tiers=(), clouds=(), port=""):
    return [row.key for row in rows
            if all(word in row.text for word in words.lower().split())
            and (not tiers or row.tier in tiers)
            and (not clouds or set(clouds) & set(row.clouds))
            and (not port or row.meets(port))]


def visible(browser):
    return browser.value(
        "Array.from(document.querySelectorAll('tr[data-rule]')).filter(row => row.getClientRects().length > 0)"
        ".map(row => row.dataset.rule + '|' + row.dataset.clouds)")


def quiet(browser, url, what):
    expect(not browser.complaints(), what, "complains:", browser.complaints())
    expect(set(browser.fetched()) == {url}, what, "fetches", set(browser.fetched()) - {url})


def fits(browser, width, what):
    browser.size(width, 900)
    wide = browser.value("document.documentElement.scrollWidth")
    expect(wide <= width, what, "is", wide, "wide in a window of", width)


# ---- the catalogue

def use_catalogue(browser, url, rows, what):
    """With a keyboard and a mouse."""
    def same(step, **filters):
        expect(visible(browser) == wanted(rows, **filters), what, step, "shows", visible(browser), "and not",
               wanted(rows, **filters))

    browser.size(1280, 900)
    browser.open(url)
    same("at first")
    browser.type_into("#q", "Update HTTP")
    same("after a search", words="update http")
    expect(browser.value("location.hash") == "#q=Update+HTTP", what, "remembers", browser.value("location.hash"))
    browser.type_into("#q", "")
    same("after the search is cleared")
    browser.type_into("#port", "udp/3343")
    same("with a port", port="udp/3343")
    browser.click("input[value=usgov]")
    browser.type_into("#port", "443")
    same("with a port and a cloud", port="443", clouds=["usgov"])
    browser.click("input[value=china]")
    same("with two clouds", port="443", clouds=["usgov", "china"])
    browser.click("input[value=required]")
    same("with a tier", port="443", clouds=["usgov", "china"], tiers=["required"])
    for wrong in ["https", "70000", "9-1", "?", "tcp/"]:
        browser.type_into("#port", wrong)
        expect(visible(browser) == [], what, "shows rows for the port", wrong)
        expect("is no port" in browser.value("document.getElementById('count').textContent"), what, wrong)
    browser.click("button[type=reset]")
    browser.value("new Promise(done => setTimeout(done, 50))")
    same("after Clear")
    expect("#" not in browser.value("location.href"), what, "keeps a filter after Clear")
    expect(f"{len(rows)} rules" == browser.value("document.getElementById('count').textContent"), what, "miscounts")
    expect(browser.value("document.getElementById('filter').checkVisibility()"), what, "has no form")
    quiet(browser, url, what)


def follow_links(browser, url, rows, what):
    """Every combination of some filters, by the address alone, and one of them from the start."""
    words = ["", "servers", "windows.net", "no-such-word"]
    for word, tier, cloud, port in itertools.product(words, ["", "required", "optional"], ["", "china"],
                                                     ["", "443", "tcp/80", "50000-50010"]):
        pairs = [("q", word), ("tier", tier), ("cloud", cloud), ("port", port)]
        hash_ = "&".join(f"{key}={value}" for key, value in pairs if value) or "q="
        browser.value(f"new Promise(done => {{ location.hash = {json.dumps(hash_)}; setTimeout(done, 0); }})")
        right = wanted(rows, word, [tier] if tier else [], [cloud] if cloud else [], port)
        expect(visible(browser) == right, what, hash_, "shows", visible(browser), "and not", right)
        sections = browser.value("Array.from(document.querySelectorAll('section.feature')).filter(s => "
                                 "s.checkVisibility() && !s.querySelector('tr[data-rule]')).length")
        if word or cloud or port:
            expect(sections == 0 or word == "servers", what, hash_, "shows features without rules")
    browser.open(url + "#q=update&cloud=usgov")
    expect(visible(browser) == wanted(rows, "update", clouds=["usgov"]), what, "does not take a filter from a link")
    quiet(browser, url, what)


def read_without_script(browser, url, rows, what):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    expect(visible(browser) == wanted(rows), what, "needs its script")
    expect(not browser.value("document.getElementById('filter').checkVisibility()"), what, "has a form that does nothing")
    browser.call("Emulation.setEmulatedMedia", media="print")
    expect(visible(browser) == wanted(rows), what, "does not print every rule")
    browser.call("Emulation.setEmulatedMedia", media="")


hostile = r"""feature "hostile" {
  title  = "</title></h2><script>window.caught = 1</script> ]]> --> <img src=x onerror='window.caught = 2'>"
  source = "javascript:window.caught=3"

  allow "x" servers -> "host.example" on tcp/443 { note = "<!-- catalogue --> <style>body { display: none }</style>" }
}
"""


def resist(browser, hcipolc, folder):
    (folder / "hostile").mkdir()
    (folder / "hostile" / "main.hcipol").write_text(hostile)
    run(hcipolc, "doc", "hostile", "--format", "html", "-o", "hostile.html", folder=folder)
    url = (folder / "hostile.html").as_uri()
    browser.open(url)
    expect(browser.value("window.caught") is None, "a title runs as a script")
    expect(browser.value("document.querySelectorAll('script').length") == 1, "a title becomes a script")
    expect(browser.value("document.querySelectorAll('img, section a[href^=javascript]').length") == 0, "a title is markup")
    expect(visible(browser) == ["hostile.x|public usgov china"], "a note hides the page")
    quiet(browser, url, "the hostile page")
    # The second wall: a script that came in all the same would not run.
    browser.value("document.body.appendChild(Object.assign(document.createElement('script'), "
                  "{ textContent: 'window.caught = 4' }))")
    expect(browser.value("window.caught") is None, "any script runs")


def main():
    hcipolc = str(pathlib.Path(sys.argv[1]).resolve())
    pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    program = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        browser = Browser(program, folder / "profile")
        try:
            for release in sorted(path.parent.name for path in repository.glob("stdlib/hci/*/module.hcipol")):
                module = f"std/hci/{release}"
                page = folder / f"{release}.html"
                run(hcipolc, "doc", module, "--format", "html", "-o", str(page))
                rows = rows_of(json.loads(run(hcipolc, "doc", module, "--format", "json")))
                expect(len(rows) > 20, module, "has", len(rows), "rows")
                use_catalogue(browser, page.as_uri(), rows, module)
                follow_links(browser, page.as_uri(), rows, module)
                read_without_script(browser, page.as_uri(), rows, module)
                browser.open(page.as_uri())
                for width in [1280, 768, 400]:
                    fits(browser, width, module)
                    if pictures:
                        browser.screenshot(pictures / f"{release}-{width}.png", whole=True)
            resist(browser, hcipolc, folder)
            for example in sorted(repository.glob("examples/[0-9]*")):
                page = folder / f"{example.name}.html"
                run(hcipolc, "show", str(example), "--html", str(page), "--as-of", "2022-06-01")
                browser.size(1280, 900)
                browser.open(page.as_uri())
                quiet(browser, page.as_uri(), example.name)
                expect(browser.value("document.querySelectorAll('tbody tr').length") > 2, example.name, "is empty")
                for width in [1280, 400]:
                    fits(browser, width, example.name)
                    if pictures:
                        browser.screenshot(pictures / f"{example.name}-{width}.png", whole=True)
        finally:
            browser.close()
    for failure in failures:
        print(failure[:2000])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

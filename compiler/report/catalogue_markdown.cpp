// Tables with one line for each rule and group of clouds. Whatever a library calls its things stays
// text.
#include <fmt/format.h>

#include <algorithm>

#include "report/catalogue.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

// Nothing in it can end the cell of a table or start markup.
std::string code(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  // A fence is longer than every run of backquotes inside.
  std::string fence = "`";
  while (out.find(fence) != out.npos) fence += '`';
  const std::string_view gap = fence.size() > 1 ? " " : "";
  return fmt::format("{}{}{}{}{}", fence, gap, out, gap, fence);
}

std::string plain(std::string_view text) {
  constexpr std::string_view special = "\\`*_[]<>|&#~";
  std::string out;
  for (const char c : text) {
    if (special.find(c) != special.npos) out += '\\';
    out += c;
  }
  return out;
}

std::string codes(const std::vector<std::string>& all) {
  std::vector<std::string> out;
  for (const std::string& one : all) out.push_back(code(one));
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string link(const std::string& source) {
  const bool web = source.starts_with("https://") || source.starts_with("http://");
  return web && source.find_first_of("<> ") == source.npos ? "<" + source + ">" : plain(source);
}

std::string condition(const Condition& when) {
  if (when.always()) return "";
  const std::string_view otherwise = default_words(when);
  return otherwise.empty() ? code(when.text) : fmt::format("{} ({})", code(when.text), otherwise);
}

std::string suffixed(std::string text, const Condition& when) {
  return when.always() ? text : fmt::format("{}, if {}", text, condition(when));
}

std::string peer(const CataloguePeer& in) {
  std::vector<std::string> lines;
  if (in.kind != "host") lines.push_back(suffixed(code(in.name), in.when));
  for (const CatalogueHost& host : in.hosts) lines.push_back(suffixed(code(host.text), host.when));
  if (in.kind != "address") {
    for (const std::string& address : in.addresses) lines.push_back(code(address));
  }
  if (!in.tag.empty()) {
    const std::string basis = in.tag_basis.empty() ? "" : fmt::format(", {}", plain(in.tag_basis));
    lines.push_back(fmt::format("service tag {}{}", code(in.tag), basis));
  }
  return fmt::format("{}", fmt::join(lines, "<br>"));
}

std::string peers(const std::vector<CataloguePeer>& all) {
  std::vector<std::string> out;
  for (const CataloguePeer& one : all) out.push_back(peer(one));
  return fmt::format("{}", fmt::join(out, "<br>"));
}

std::string service(const CatalogueOpening& opening) {
  if (opening.default_service.empty()) return code(opening.service);
  return fmt::format("{}, by default {}", code(opening.service), code(opening.default_service));
}

std::string cloud_words(const std::vector<std::string>& clouds) {
  return clouds.size() == 3 ? "all" : fmt::format("{}", fmt::join(clouds, ", "));
}

std::string rows(const CatalogueFeature& feature) {
  std::string out;
  for (const CatalogueRule& rule : feature.rules) {
    std::vector<std::string> remarks;
    if (!rule.title.empty()) remarks.push_back(plain(rule.title));
    if (!rule.note.empty()) remarks.push_back(plain(rule.note));
    if (rule.log) remarks.emplace_back("logged");
    if (!rule.source.empty()) remarks.push_back(link(rule.source));
    for (const CatalogueOpening& opening : rule.openings) {
      std::vector<std::string> all = remarks;
      if (!opening.when.always()) all.insert(all.begin(), "if " + condition(opening.when));
      out += fmt::format("| {}{} | {} | {}{} | {} | {} | {} |\n", rule.allow ? "" : "**deny** ",
                         code(rule.name), peers(opening.from), rule.both_ways ? "↔ " : "",
                         peers(opening.to), service(opening), cloud_words(opening.clouds),
                         fmt::join(all, "<br>"));
    }
  }
  return out;
}

std::string inputs(const std::vector<CatalogueInput>& all, std::string_view head) {
  if (all.empty()) return "";
  std::string out = fmt::format("\n| {} | Type | Default | Meaning |\n|---|---|---|---|\n", head);
  for (const CatalogueInput& in : all) {
    std::vector<std::string> words;
    if (!in.description.empty()) words.push_back(plain(in.description));
    for (const std::string& message : in.validations) {
      words.push_back("Checked: " + plain(message));
    }
    out += fmt::format("| {} | {} | {} | {} |\n", code(in.name), code(in.type),
                       in.default_value ? code(*in.default_value) : "must be given",
                       fmt::join(words, "<br>"));
  }
  return out;
}

std::string errata(const CatalogueFeature& feature) {
  std::string out;
  for (const std::string& text : feature.errata) out += fmt::format("- {}\n", plain(text));
  for (const CatalogueEndpoint& endpoint : feature.endpoints) {
    for (const std::string& text : endpoint.errata) {
      out += fmt::format("- {}: {}\n", code(endpoint.name), plain(text));
    }
  }
  return out.empty() ? "" : "\nErrata:\n\n" + out;
}

std::string facts(const CatalogueFeature& feature, std::size_t clouds) {
  std::string out;
  const auto line = [&](std::string_view head, const std::string& text) {
    if (!text.empty()) out += fmt::format("- {}: {}\n", head, text);
  };
  line("Tier", plain(feature.tier));
  line("Declared in", code(feature.declared_in));
  if (!feature.source.empty()) {
    const std::string date =
        feature.source_date.empty() ? "" : fmt::format(" ({})", plain(feature.source_date));
    line("Source", link(feature.source) + date);
  }
  line("Requires", codes(feature.requires_));
  line("Conflicts with", codes(feature.conflicts));
  if (!feature.automatic.empty()) line("Switches itself on if", code(feature.automatic));
  if (!feature.when.empty()) line("Only if", code(feature.when));
  if (feature.clouds.size() < clouds) {
    line("Clouds", feature.clouds.empty() ? "none" : cloud_words(feature.clouds));
  }
  line("Roles", codes(feature.roles));
  return out;
}

std::string section(const CatalogueFeature& feature, std::size_t clouds) {
  const std::string title = feature.title.empty() ? "" : ": " + plain(feature.title);
  std::string out =
      fmt::format("\n## {}{}\n\n", code(feature.name), title) + facts(feature, clouds);
  out += inputs(feature.parameters, "Parameter");
  if (const std::string table = rows(feature); !table.empty()) {
    out +=
        "\n| Rule | From | To | Service | Clouds | Remarks |\n|---|---|---|---|---|---|\n" + table;
  }
  return out + errata(feature);
}

std::string regions(const Catalogue& in) {
  std::string out;
  for (const auto& [cloud, known] : in.regions) {
    std::vector<std::string> words;
    for (const Region& region : known) {
      std::string word = code(region.name);
      for (const auto& [name, value] : region.values) {
        word += fmt::format(" ({} {})", plain(name), code(value));
      }
      words.push_back(std::move(word));
    }
    out += fmt::format("| {} | {} |\n", cloud, fmt::join(words, ", "));
  }
  return out.empty() ? "" : "\n| Cloud | Regions that a cluster may name |\n|---|---|\n" + out;
}

}  // namespace

std::string catalogue_markdown(const Catalogue& in) {
  std::string out = fmt::format("# {}\n\n", plain(in.module));
  out += fmt::format("Written by `hcipolc doc {}`.\n", one_line(in.module, 200));
  if (!in.revision.empty()) out += fmt::format("Revision {}.\n", plain(in.revision));
  if (!in.source.empty()) out += fmt::format("Source: {}.\n", link(in.source));
  if (const std::string whom = readers(in); !whom.empty()) out += plain(whom) + "\n";
  out += in.region.empty()
             ? "A text with `${…}` in it depends on a parameter or on the region of the cluster.\n"
             : "A text with `${…}` in it depends on a parameter.\n";
  if (!in.features.empty()) {
    out += "\n| Feature | Tier | What for | Declared in |\n|---|---|---|---|\n";
  }
  for (const CatalogueFeature& feature : in.features) {
    out += fmt::format("| {} | {} | {} | {} |\n", code(feature.name), plain(feature.tier),
                       plain(feature.title), code(feature.declared_in));
  }
  out += inputs(in.variables, "Variable");
  out += regions(in);
  if (!in.roles.empty()) out += "\n| Role | Who | Members |\n|---|---|---|\n";
  for (const CatalogueRole& role : in.roles) {
    out += fmt::format("| {} | {} | {} |\n", code(role.name), plain(role.title),
                       role.members.empty() ? "the cluster says" : code(role.members));
  }
  for (const CatalogueFeature& feature : in.features) out += section(feature, in.clouds.size());
  return out;
}

}  // namespace hcipol::report

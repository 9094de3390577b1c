// What the target says of the place is read from its options here once more, not taken from the
// printer's settings.
#include "backends/palo_alto/read_frame.h"

#include "backends/common/options.h"
#include "backends/palo_alto/read_set.h"

namespace hcipol::backends::palo_alto {

namespace {

// Nothing that could matter is left out of the tree.
constexpr unsigned parse_flags = pugi::parse_default | pugi::parse_comments | pugi::parse_pi |
                                 pugi::parse_doctype | pugi::parse_declaration |
                                 pugi::parse_embed_pcdata;

std::string_view name_of(pugi::xml_node node) {
  return node.attribute("name").value();
}

}  // namespace

Configuration::Configuration(const Artefact& artefact, const ReadContext& context)
    : file_(artefact.path) {
  if (text_option(context.options(), "format", "xml") == "set") {
    read_set(artefact.path, artefact.text, text_option(context.options(), "vsys"), tree_);
    read_places(tree_.child("config"), context);
  } else {
    read_xml(artefact, context);
  }
}

void Configuration::read_xml(const Artefact& artefact, const ReadContext& context) {
  const auto result = tree_.load_buffer(artefact.text.data(), artefact.text.size(), parse_flags);
  if (!result) throw Unreadable(file_, 0, result.description());
  const pugi::xml_node declaration = tree_.first_child();
  const pugi::xml_node config = declaration.next_sibling();
  if (declaration.type() != pugi::node_declaration || std::string_view(config.name()) != "config" ||
      config.next_sibling()) {
    throw Unreadable(file_, 0, "no configuration");
  }
  Elements top(file_, config);
  if (std::string_view(config.attribute("urldb").value()) != "paloaltonetworks") {
    top.fail("its attributes");
  }
  const std::string release = text_option(context.options(), "version", "10.1.0");
  const std::string_view version = config.attribute("version").value();
  if (version != release && version != release + ".0") top.fail("another release");
  top.need("shared");
  top.need("devices");
  top.done(2);
  read_places(config, context);
}

void Configuration::read_places(pugi::xml_node config, const ReadContext& context) {
  const std::string group = text_option(context.options(), "device_group");
  const std::string shared_part = text_option(context.options(), "shared", "none");
  const pugi::xml_node shared = config.child("shared");
  Elements devices(file_, config.child("devices"));
  const pugi::xml_node host = devices.need("entry");
  devices.done();
  Elements device(file_, host);
  if (name_of(host) != "localhost.localdomain") device.fail("another device");
  if (shared_part == "all") {
    device.done(1);
    rules_ = shared;
  } else if (host.first_child() || config.attribute("version")) {
    Elements section(file_, device.need(group.empty() ? "vsys" : "device-group"));
    device.done(1);
    rules_ = section.need("entry");
    section.done();
    const std::string vsys = text_option(context.options(), "vsys", "vsys1");
    if (name_of(rules_) != (group.empty() ? vsys : group)) section.fail("another place");
  }
  objects_ = shared_part == "none" ? rules_ : shared;
  if (shared_part == "none") Elements(file_, shared).done();

  if (group.empty() && shared_part != "all") {
    rulebases_ = {"rulebase"};
    return;
  }
  const std::string rulebase = text_option(context.options(), "rulebase", "split");
  if (rulebase != "post") rulebases_.push_back("pre-rulebase");
  if (rulebase != "pre") rulebases_.push_back("post-rulebase");
}

}  // namespace hcipol::backends::palo_alto

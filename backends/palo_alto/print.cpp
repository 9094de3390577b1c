// Decides nothing: what stands in the document is written down, escaped by pugixml. Objects and
// rules are made and written one by one: the tree of a whole configuration would be many times its
// text.
#include "backends/palo_alto/print.h"

#include <algorithm>
#include <initializer_list>
#include <pugixml.hpp>
#include <string_view>
#include <utility>

namespace hcipol::backends::palo_alto {

namespace {

using pugi::xml_node;

// The frame is written by hand, from names that need no escaping; entries are trees of pugixml.
class Writer final : public pugi::xml_writer {
 public:
  explicit Writer(std::size_t expected) { text_.reserve(expected); }

  void write(const void* data, std::size_t size) override {
    text_.append(static_cast<const char*>(data), size);
  }
  void line(std::string_view line) {
    text_.append(2 * open_.size(), ' ');
    text_ += line;
    text_ += '\n';
  }
  void open(const char* element, std::string_view attributes = {}) {
    line(std::string("<") + element + std::string(attributes) + ">");
    open_.push_back(element);
  }
  void open_entry(const std::string& name) { open("entry", " name=\"" + name + "\""); }
  void close(std::size_t count = 1) {
    for (; count > 0; --count) {
      const std::string element = open_.back();
      open_.pop_back();
      line("</" + element + ">");
    }
  }
  /// Writes an entry that `fill` makes.
  template <class Fill>
  void entry(const std::string& name, Fill fill) {
    xml_node node = scratch_.append_child("entry");
    node.append_attribute("name").set_value(name.c_str());
    fill(node);
    node.print(*this, "  ", pugi::format_default, pugi::encoding_utf8,
               static_cast<unsigned>(open_.size()));
    scratch_.remove_child(node);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::vector<const char*> open_;
  pugi::xml_document scratch_;
};

void text(xml_node parent, const char* name, const std::string& value) {
  parent.append_child(name).append_child(pugi::node_pcdata).set_value(value.c_str());
}

void text_if(xml_node parent, const char* name, const std::string& value) {
  if (!value.empty()) text(parent, name, value);
}

void members(xml_node parent, const char* name, const std::vector<std::string>& list) {
  xml_node node = parent.append_child(name);
  for (const std::string& member : list) text(node, "member", member);
}

template <class Objects, class Fill>
void print_section(Writer& out, const char* section, const Objects& objects, Fill fill) {
  if (objects.empty()) return;
  out.open(section);
  for (const auto& [name, object] : objects) {
    // Lambdas of C++20 cannot capture structured bindings in every compiler.
    const auto& value = object;
    out.entry(name, [&](xml_node node) { fill(node, value); });
  }
  out.close();
}

void fill_application(xml_node node, const Application& application) {
  // The classification is capirca's, which has been loaded into devices for years.
  text(node, "category", "networking");
  text(node, "subcategory", "ip-protocol");
  text(node, "technology", "network-protocol");
  text(node, "risk", "1");
  xml_node ident = node.append_child("default");
  const std::string number = std::to_string(application.number);
  switch (application.ident) {
    case Application::Ident::ip_protocol: text(ident, "ident-by-ip-protocol", number); break;
    case Application::Ident::icmp_type:
      text(ident.append_child("ident-by-icmp-type"), "type", number);
      break;
    case Application::Ident::icmp6_type:
      text(ident.append_child("ident-by-icmp6-type"), "type", number);
      break;
  }
}

void print_addresses(Writer& out, const Document& document) {
  const std::vector<std::string> object_tags{document.object_tag};
  const std::vector<std::string> cluster_tags{document.object_tag, document.cluster_tag};
  print_section(out, "address", document.addresses, [&](xml_node node, const Address& address) {
    const bool fqdn = address.kind == Address::Kind::fqdn;
    const bool range = address.kind == Address::Kind::range;
    text(node, fqdn ? "fqdn" : range ? "ip-range" : "ip-netmask", address.value);
    members(node, "tag", object_tags);
  });
  print_section(out, "address-group", document.address_groups,
                [&](xml_node node, const AddressGroup& group) {
                  members(node, "static", group.members);
                  text_if(node, "description", group.description);
                  members(node, "tag", cluster_tags);
                });
}

void print_objects(Writer& out, const Document& document) {
  print_section(out, "tag", document.tags, [](xml_node node, const Tag& tag) {
    text(node, "color", tag.color);
    text(node, "comments", tag.comments);
  });
  print_addresses(out, document);
  print_section(out, "application", document.applications, fill_application);
  print_section(out, "service", document.services, [&](xml_node node, const Service& service) {
    xml_node protocol = node.append_child("protocol").append_child(service.protocol.c_str());
    text(protocol, "port", service.ports);
    members(node, "tag", {document.object_tag});
  });
  print_section(out, "external-list", document.external_lists,
                [](xml_node node, const ExternalList& list) {
                  xml_node ip = node.append_child("type").append_child("ip");
                  text(ip, "url", list.url);
                  text_if(ip, "certificate-profile", list.certificate_profile);
                  ip.append_child("recurring").append_child("hourly");
                });
  if (document.url_categories.empty()) return;
  out.open("profiles");
  print_section(out, "custom-url-category", document.url_categories,
                [](xml_node node, const UrlCategory& category) {
                  text_if(node, "description", category.description);
                  members(node, "list", category.entries);
                  // pan-os-python #211: a category without its type is rejected.
                  text(node, "type", "URL List");
                });
  out.close();
}

const char* yes_no(bool value) {
  return value ? "yes" : "no";
}

const char* text_of(SecurityRule::Type type) {
  switch (type) {
    case SecurityRule::Type::universal: return "universal";
    case SecurityRule::Type::intrazone: return "intrazone";
    case SecurityRule::Type::interzone: return "interzone";
  }
  return "universal";
}

/// What is the same in many rules.
struct RuleTexts {
  explicit RuleTexts(const Document& document) {
    for (Members* list : {&tags, &exception_tags}) {
      *list = {document.object_tag, document.cluster_tag};
    }
    exception_tags.emplace_back(exception_tag);
    std::sort(tags.begin(), tags.end());
    std::sort(exception_tags.begin(), exception_tags.end());
  }

  const Members any{"any"};
  Members tags;
  Members exception_tags;
};

void fill_rule(xml_node node, const SecurityRule& rule, const Document& document,
               const RuleTexts& texts) {
  members(node, "from", *rule.from);
  members(node, "to", *rule.to);
  members(node, "source", *rule.source);
  members(node, "source-user", texts.any);
  members(node, "destination", *rule.destination);
  members(node, "service", *rule.service);
  members(node, "category", *rule.category);
  members(node, "application", *rule.application);
  members(node, "tag", rule.exception ? texts.exception_tags : texts.tags);
  text_if(node, "description", rule.description);
  text(node, "group-tag", document.cluster_tag);
  text(node, "action", rule.allow ? "allow" : "deny");
  text(node, "rule-type", text_of(rule.type));
  text_if(node, "log-setting", document.log_setting);
  text(node, "log-start", yes_no(rule.log_start));
  text(node, "log-end", "yes");
  if (rule.allow && !document.profile_group.empty()) {
    members(node.append_child("profile-setting"), "group", {document.profile_group});
  }
}

void print_rulebase(Writer& out, const char* name, const Document& document,
                    std::initializer_list<const std::vector<SecurityRule>*> lists) {
  const RuleTexts texts(document);
  out.open(name);
  out.open("security");
  out.open("rules");
  for (const auto* list : lists) {
    for (const SecurityRule& rule : *list) {
      out.entry(rule.name, [&](xml_node node) { fill_rule(node, rule, document, texts); });
    }
  }
  out.close(3);
}

}  // namespace

std::string print(const Document& document) {
  constexpr std::size_t rule_text = 1800;
  constexpr std::size_t object_text = 200;
  Writer out((document.rules.size() + document.cleanup.size()) * rule_text +
             (document.addresses.size() + document.services.size()) * object_text + 10'000);
  out.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  out.open("config", " version=\"" + document.version + "\" urldb=\"paloaltonetworks\"");
  out.line("<shared/>");  // pan-os-php fails without it
  out.open("devices");
  out.open_entry("localhost.localdomain");
  const bool panorama = !document.device_group.empty();
  out.open(panorama ? "device-group" : "vsys");
  out.open_entry(panorama ? document.device_group : document.vsys);

  print_objects(out, document);
  if (panorama) {
    print_rulebase(out, "pre-rulebase", document, {&document.rules});
    print_rulebase(out, "post-rulebase", document, {&document.cleanup});
  } else {
    print_rulebase(out, "rulebase", document, {&document.rules, &document.cleanup});
  }
  out.close(5);
  return out.take();
}

}  // namespace hcipol::backends::palo_alto

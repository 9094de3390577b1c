// Decides nothing: what stands in the document is written down, line by line. Both forms come from
// the same functions, over a writer for each.
#include "backends/palo_alto/print.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "backends/palo_alto/set_writer.h"
#include "backends/palo_alto/xml_writer.h"

namespace hcipol::backends::palo_alto {

namespace {

template <std::size_t count>
using Values = std::array<std::string_view, count>;

template <class Writer, class Objects, class Write>
void print_section(Writer& out, const char* section, const Objects& objects, Write write) {
  if (objects.empty()) return;
  out.open(section);
  for (const auto& [name, object] : objects) write(name, object);
  out.close();
}

template <class Writer, class Objects, class Fill>
void print_entries(Writer& out, const char* section, const Objects& objects, Fill fill) {
  print_section(out, section, objects, [&](const std::string& name, const auto& object) {
    out.open("entry", "name", name);
    fill(object);
    out.close();
  });
}

/// A rule of the policy holds from the build on; when that is, no artefact says. The device counts
/// in its own time of day, in minutes.
std::string from_the_beginning_to(Date last) {
  std::string day = to_string(last);
  std::replace(day.begin(), day.end(), '-', '/');
  return "2000/01/01@00:00-" + day + "@23:59";
}

template <class Writer>
void write_application(Writer& out, const Application& application) {
  // The classification is capirca's, which has been loaded into devices for years.
  out.text("category", "networking");
  out.text("subcategory", "ip-protocol");
  out.text("technology", "network-protocol");
  out.text("risk", "1");
  out.open("default");
  const std::string number = std::to_string(application.number);
  switch (application.ident) {
    case Application::Ident::ip_protocol: out.text("ident-by-ip-protocol", number); break;
    case Application::Ident::icmp_type:
      out.open("ident-by-icmp-type");
      out.text("type", number);
      out.close();
      break;
    case Application::Ident::icmp6_type:
      out.open("ident-by-icmp6-type");
      out.text("type", number);
      out.close();
      break;
  }
  out.close();
}

template <class Writer>
void print_addresses(Writer& out, const Document& document) {
  const Members object_tags{document.object_tag};
  const Members cluster_tags{document.object_tag, document.cluster_tag};
  std::array<Form, 3> forms;  // by kind
  const auto print_address = [&](const std::string& name, const Address& address) {
    const bool fqdn = address.kind == Address::Kind::fqdn;
    const bool range = address.kind == Address::Kind::range;
    Form& form = forms.at(static_cast<std::size_t>(address.kind));
    out.fill_names(form, Values<2>{name, address.value}, [&](const Values<2>& values) {
      out.open("entry", "name", values[0]);
      out.text(fqdn ? "fqdn" : range ? "ip-range" : "ip-netmask", values[1]);
      out.members("tag", object_tags);
      out.close();
    });
  };
  print_section(out, "address", document.addresses, print_address);
  print_entries(out, "address-group", document.address_groups, [&](const AddressGroup& group) {
    out.members("static", group.members);
    out.text_if("description", group.description);
    out.members("tag", cluster_tags);
  });
}

template <class Writer>
void print_services(Writer& out, const Document& document) {
  const Members tags{document.object_tag};
  Form tcp;
  Form udp;
  const auto print_service = [&](const std::string& name, const Service& service) {
    Form& form = std::string_view(service.protocol) == "tcp" ? tcp : udp;
    out.fill_names(form, Values<2>{name, service.ports}, [&](const Values<2>& values) {
      out.open("entry", "name", values[0]);
      out.open("protocol");
      out.open(service.protocol);
      out.text("port", values[1]);
      out.close(2);
      out.members("tag", tags);
      out.close();
    });
  };
  print_section(out, "service", document.services, print_service);
}

template <class Writer>
void print_objects(Writer& out, const Document& document) {
  print_entries(out, "tag", document.tags, [&](const Tag& tag) {
    out.text("color", tag.color);
    out.text("comments", tag.comments);
  });
  print_addresses(out, document);
  print_entries(out, "application", document.applications,
                [&](const Application& application) { write_application(out, application); });
  print_services(out, document);
  print_entries(out, "external-list", document.external_lists, [&](const ExternalList& list) {
    out.open("type");
    out.open("ip");
    out.text("url", list.url);
    out.text_if("certificate-profile", list.certificate_profile);
    out.open("recurring");
    out.empty("hourly");
    out.close(3);
  });
  print_entries(out, "schedule", document.schedules, [&](const Date& last) {
    out.open("schedule-type");
    out.members("non-recurring", {from_the_beginning_to(last)});
    out.close();
  });
  if (document.url_categories.empty()) return;
  out.open("profiles");
  print_entries(out, "custom-url-category", document.url_categories,
                [&](const UrlCategory& category) {
                  out.text_if("description", category.description);
                  out.members("list", Members(category.entries.begin(), category.entries.end()));
                  // pan-os-python #211: a category without its type is rejected.
                  out.text("type", "URL List");
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
  struct List {
    Repeated last;                                   ///< as written last
    std::array<Form, Form::holes.size() + 1> forms;  ///< by number of members, if it is small
  };

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
  List from, to, source, users, destination, service, category, application, tag;
  Form beginning;
  std::array<Form, 24> ends;  ///< by type, action, log and whether there is a description
};

/// The end of a rule, after what it is called and matches.
template <class Writer>
void write_action(Writer& out, const SecurityRule& rule, const Document& document) {
  out.text("group-tag", document.cluster_tag);
  out.text("action", rule.allow ? "allow" : "deny");
  out.text("rule-type", text_of(rule.type));
  out.text_if("log-setting", document.log_setting);
  out.text("log-start", yes_no(rule.log_start));
  out.text("log-end", "yes");
  if (rule.allow && !document.profile_group.empty()) {
    out.open("profile-setting");
    out.members("group", {document.profile_group});
    out.close();
  }
}

template <class Writer>
void write_rule(Writer& out, const SecurityRule& rule, const Document& document, RuleTexts& texts) {
  const auto members = [&](RuleTexts::List& known, const char* element, const Members& list) {
    out.repeat(known.last, &list, [&] {
      Form& form = known.forms.at(std::min(list.size(), known.forms.size() - 1));
      out.fill_names(form, list, [&](const Members& names) { out.members(element, names); });
    });
  };
  out.fill_names(texts.beginning, Values<1>{rule.name},
                 [&](const Values<1>& values) { out.open("entry", "name", values[0]); });
  members(texts.from, "from", *rule.from);
  members(texts.to, "to", *rule.to);
  members(texts.source, "source", *rule.source);
  members(texts.users, "source-user", texts.any);
  members(texts.destination, "destination", *rule.destination);
  members(texts.service, "service", *rule.service);
  members(texts.category, "category", *rule.category);
  members(texts.application, "application", *rule.application);
  out.text_if("schedule", rule.schedule);
  members(texts.tag, "tag", rule.exception ? texts.exception_tags : texts.tags);
  const std::size_t kind = static_cast<std::size_t>(rule.type) * 8 + (rule.allow ? 4 : 0) +
                           (rule.log_start ? 2 : 0) + (rule.description.empty() ? 1 : 0);
  out.fill(texts.ends.at(kind), Values<1>{rule.description}, [&](const Values<1>& values) {
    if (!rule.description.empty()) out.text("description", values[0]);
    write_action(out, rule, document);
    out.close();
  });
}

template <class Writer>
void print_rulebase(Writer& out, const std::string& name, const Document& document,
                    std::initializer_list<const std::vector<SecurityRule>*> lists) {
  if (std::all_of(lists.begin(), lists.end(), [](const auto* list) { return list->empty(); })) {
    return;
  }
  RuleTexts texts(document);
  out.open(name.c_str());
  out.open("security");
  out.open("rules");
  for (const auto* list : lists) {
    for (const SecurityRule& rule : *list) write_rule(out, rule, document, texts);
  }
  out.close(3);
}

template <class Writer>
void print_rules(Writer& out, const Document& document) {
  const Location& location = document.location;
  if (location.rulebase == location.cleanup_rulebase) {
    print_rulebase(out, location.rulebase, document, {&document.rules, &document.cleanup});
    return;
  }
  print_rulebase(out, location.rulebase, document, {&document.rules});
  print_rulebase(out, location.cleanup_rulebase, document, {&document.cleanup});
}

std::string print_xml(const Document& document) {
  constexpr std::size_t rule_text = 1200;
  constexpr std::size_t object_text = 200;
  const Location& location = document.location;
  XmlWriter out((document.rules.size() + document.cleanup.size()) * rule_text +
                (document.addresses.size() + document.services.size()) * object_text + 10'000);
  out.line({"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"});
  out.open("config", "version", document.version, " urldb=\"paloaltonetworks\"");
  const bool shared_rules = location.rules == Location::Rules::shared;
  if (location.shared_objects) {
    out.open("shared");
    print_objects(out, document);
    if (shared_rules) print_rules(out, document);
    out.close();
  } else {
    out.line({"<shared/>"});  // pan-os-php fails without it
  }
  out.open("devices");
  out.open("entry", "name", "localhost.localdomain");
  if (!shared_rules) {
    out.open(location.panorama() ? "device-group" : "vsys");
    out.open("entry", "name", location.name);
    if (!location.shared_objects) print_objects(out, document);
    print_rules(out, document);
    out.close(2);
  }
  out.close(3);
  return out.take();
}

std::string print_set(const Document& document) {
  const Location& location = document.location;
  SetWriter out("set");
  const std::size_t for_objects = open_place(out, location, location.shared_objects);
  print_objects(out, document);
  out.close(for_objects);
  const bool shared_rules = location.rules == Location::Rules::shared;
  const std::size_t for_rules = open_place(out, location, shared_rules);
  print_rules(out, document);
  out.close(for_rules);
  return out.take();
}

}  // namespace

std::string print(const Document& document) {
  return document.set_commands ? print_set(document) : print_xml(document);
}

}  // namespace hcipol::backends::palo_alto

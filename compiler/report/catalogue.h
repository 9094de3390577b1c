// `hcipolc doc`: what a module offers, feature by feature, before there is any cluster.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/service.h"
#include "report/foreseen.h"
#include "report/regions.h"
#include "sema/evaluator.h"
#include "support/source.h"

namespace hcipol::report {

/// A `variable` of the module or a `param` of a feature.
struct CatalogueInput {
  std::string name;
  std::string type;  ///< "list(address)"
  std::optional<std::string>
      default_value;  ///< as the language writes it; nothing: it must be given
  std::string description;
  std::vector<std::string> validations;  ///< the messages
};

struct CatalogueRole {
  std::string name;
  std::string title;
  std::string members;  ///< as written; "" if the cluster must say them
};

/// A host, a pattern, or a text with `${…}` in it where more must be known.
struct CatalogueHost {
  std::string text;
  bool exact = true;
  Condition when;

  friend bool operator==(const CatalogueHost&, const CatalogueHost&) = default;
};

/// One end of a flow. `kind` is one of "role", "endpoint", "host", "address", "set" (`servers`,
/// `internet` …), "expression".
struct CataloguePeer {
  std::string kind;
  std::string name;  ///< as rules write it
  std::string title;
  std::vector<CatalogueHost> hosts;  ///< of endpoints and hosts
  std::vector<std::string> addresses;
  std::string tag;        ///< the Azure service tag of an endpoint
  std::string tag_basis;  ///< "documented", "inferred", or "" if the library does not say
  Condition when;

  friend bool operator==(const CataloguePeer&, const CataloguePeer&) = default;
};

/// What a rule says in some of the clouds.
struct CatalogueOpening {
  std::vector<std::string> clouds;
  std::vector<CataloguePeer> from;
  std::vector<CataloguePeer> to;
  std::string service;          ///< "tcp/443", or as written if it depends on more than the cloud
  std::string default_service;  ///< then: with parameters at their defaults; may be ""
  std::optional<net::ServiceSet> known;  ///< what `service` or `default_service` comes to
  Condition when;
};

struct CatalogueRule {
  std::string name;
  bool allow = true;
  bool both_ways = false;
  bool log = false;
  std::string title;
  std::string note;
  std::string source;  ///< "" if it is the feature's
  std::vector<CatalogueOpening> openings;
};

struct CatalogueEndpoint {
  std::string name;
  std::string title;
  std::string declared_in;
  std::vector<std::string> errata;
};

struct CatalogueFeature {
  std::string name;
  std::string title;
  std::string tier;         ///< "required", "recommended", "optional", or ""
  std::string declared_in;  ///< the module: "std/hci/20h2"
  std::string file;
  std::uint32_t line = 0;
  std::string source;
  std::string source_date;
  std::vector<std::string> errata;
  std::vector<std::string> requires_;
  std::vector<std::string> conflicts;
  std::string automatic;            ///< `auto` as written
  std::string when;                 ///< as written
  std::vector<std::string> clouds;  ///< where it can be enabled
  std::vector<std::string> roles;
  std::vector<CatalogueInput> parameters;
  std::vector<CatalogueEndpoint> endpoints;
  std::vector<CatalogueRule> rules;  ///< in the order of the file
};

struct Catalogue {
  std::string module;
  std::vector<std::string> clouds;  ///< that it is about
  std::string region;               ///< likewise; "" for any
  /// What a cluster may name in each of these clouds, if anything that the module opens depends on
  /// it. Empty if `region` is not.
  std::vector<std::pair<std::string, std::vector<Region>>> regions;
  std::string revision;
  std::string source;
  std::vector<CatalogueInput> variables;
  std::vector<CatalogueRole> roles;
  std::vector<CatalogueFeature> features;  ///< by tier, then by name
};

/// For whom a catalogue is.
struct CatalogueReaders {
  std::vector<std::string> clouds{"public", "usgov", "china"};
  std::string region;  ///< "": any. Else each of the clouds has it
};

/// Everything that `module` declares or inherits. Its program must hold all of its files and have
/// passed check_names. Mistakes in what can be evaluated are reported.
Catalogue catalogue(const sema::Module& module, sema::Evaluator& evaluator,
                    const SourceMap& sources, const CatalogueReaders& readers = {});

/// For a page beside the library.
std::string catalogue_markdown(const Catalogue& catalogue);

/// One page that fetches nothing: every rule without a script, search and filters with one.
std::string catalogue_html(const Catalogue& catalogue);

/// For programs. Keys stay; new ones may come. A text that nothing says is null, and so is what
/// cannot be known; a list is never null.
///
///     { "version": 1, "module": "std/hci/21h2", "revision": "2022-04-28", "source": "https://…",
///       "clouds": ["public", "usgov", "china"], "region": text,
///       "regions": [{ "cloud", "name", "values": { name: text } }],
///       "variables": [INPUT], "roles": [{ "name", "title", "members" }],
///       "features": [{
///         "name", "title", "tier", "declared_in", "file", "line", "source", "source_date",
///         "errata": [text], "requires": [name], "conflicts": [name], "auto", "when",
///         "clouds": [cloud], "roles": [name], "parameters": [INPUT],
///         "endpoints": [{ "name", "title", "declared_in", "errata": [text] }],
///         "rules": [{
///           "name", "action": "allow" or "deny", "both_ways": bool, "log": bool, "title", "note",
///           "source",
///           "openings": [{
///             "clouds": [cloud], "from": [PEER], "to": [PEER],
///             "service": text, "default_service": text,
///             "ports": [{ "protocol": "tcp" or "udp", "first": n, "last": n }] or null,
///             "when": CONDITION }] }] }] }
///
///     INPUT      { "name", "type", "default", "description", "validations": [text] }
///     PEER       { "kind", "name", "title", "hosts": [{ "host", "exact": bool, "when": CONDITION
///     }],
///                  "addresses": [text], "tag", "tag_basis", "when": CONDITION }
///     CONDITION  { "text", "by_default": bool or null } or null
///
/// "clouds" and "region" are those that were asked for. "regions" are what clusters may name where
/// that decides a host; with a "region", and where nothing depends on it, there are none.
///
/// A rule has one opening for clouds in which it says the same. "ports" are those of "service", or
/// of "default_service" where "service" depends on a parameter.
std::string catalogue_json(const Catalogue& catalogue);

/// "For the region westeurope of the cloud public."; "" if it is for everybody.
std::string readers(const Catalogue& catalogue);

/// "on by default", "off by default", or "" where a default does not decide it.
std::string_view default_words(const Condition& condition);

}  // namespace hcipol::report

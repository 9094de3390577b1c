// `hcipolc targets`: the backends, their options and what each can express.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "backends/backend.h"
#include "driver/commands.h"

namespace hcipol::driver {

namespace {

using Json = nlohmann::ordered_json;

Json object(const backends::Backend& backend) {
  Json json{{"name", backend.name},
            {"title", backend.title},
            {"sees", backend.capabilities.host ? "each server's own traffic"
                                               : backend.capabilities.default_sees},
            {"names", backend.capabilities.names},
            {"addresses", backend.capabilities.addresses},
            {"limits", backend.capabilities.limits},
            {"options", Json::array()}};
  for (const sema::OptionSpec& option : backend.options) {
    json["options"].push_back({{"name", option.name},
                               {"type", option.type},
                               {"default", option.default_text},
                               {"description", option.description}});
  }
  return json;
}

std::string text(const backends::Backend& backend) {
  const backends::Capabilities& can = backend.capabilities;
  std::string out = fmt::format("{}: {}\n", backend.name, backend.title);
  out +=
      fmt::format("  sees       {}\n", can.host ? "each server's own traffic" : can.default_sees);
  out += fmt::format("  names      {}\n  addresses  {}\n  limits     {}\n", can.names,
                     can.addresses, can.limits);
  for (const sema::OptionSpec& option : backend.options) {
    out += fmt::format("  option     {} ({}; default: {})\n               {}\n", option.name,
                       option.type, option.default_text, option.description);
  }
  return out;
}

}  // namespace

int run_targets(const Options& options, Environment& environment) {
  if (options.json) {
    Json json{{"version", 1}, {"targets", Json::array()}};
    for (const backends::Backend& backend : backends::all())
      json["targets"].push_back(object(backend));
    environment.out(json.dump(2) + "\n");
    return exit_fine;
  }
  std::string out;
  for (const backends::Backend& backend : backends::all()) {
    if (!out.empty()) out += "\n";
    out += text(backend);
  }
  environment.out(out);
  return exit_fine;
}

}  // namespace hcipol::driver

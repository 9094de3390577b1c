// The list of the limits and pitfalls in the notes on PAN-OS, the test of each, and the tests that
// stand nowhere else.
#include <gtest/gtest.h>

#include "palo_alto_policy.h"
#include "palo_alto_samples.h"
#include "platform_notes.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using test::NoteCovered;

const std::vector<NoteCovered> palo_alto_covered{
    {"2", "| rule name |", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "not intrazone-default/interzone-default/any",
     "PaloAltoLimits.NamesAreMadeOfWhatTheDeviceTakes"},
    {"2", "address, address-group, service", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "address, address-group, service", "PaloAlto.KeepsNamesShortAndApart"},
    {"2", "custom-url-category name", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "may not start with a digit", "PaloAltoLimits.NamesAreMadeOfWhatTheDeviceTakes"},
    {"2", "application, application-group, schedule",
     "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "device-group", "PaloAlto.ChecksItsOptions"},
    {"2", "zone name in a rule", "PaloAlto.ChecksItsOptions"},
    {"2", "| characters |", "PaloAltoLimits.NamesAreMadeOfWhatTheDeviceTakes"},
    {"2", "address/group share one name space", "PaloAltoLimits.NamesAreMadeOfWhatTheDeviceTakes"},
    {"2", "tag name", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "10,000 tags per vsys", "PaloAltoTraps.TenThousandTags"},
    {"2", "tags per rule or object", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"2", "group-tag 127", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "description: rule 1024", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"2", "audit comment", "PaloAltoTraps.NothingIsWrittenThatBelongsToTheDevice"},
    {"2", "port / source-port string", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"2", "port / source-port string", "PaloAlto.SplitsPortListsThatAreTooLong"},
    {"2", "fqdn value", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"2", "fqdn value", "PaloAltoLimits.TheLongestHostNameFits"},
    {"2", "FQDN objects per box", "PaloAltoLimits.MoreHostNamesThanAnyDeviceHoldsAreRefused"},
    {"2", "dynamic filter", "PaloAltoTraps.DynamicGroupsAreNotKnown"},
    {"2", "URL entry", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"2", "| EDL |", "PaloAltoLists.AUrlOfMoreThan255CharactersIsRefused"},
    {"2", "30 lists per box", "PaloAltoTraps.MoreThanThirtyListsAreNoted"},
    {"2", "members per rule list", "PaloAltoLimits.CountsBeyondTheLargestDeviceAreRefused"},
    {"2", "members per group, rules, objects",
     "PaloAltoLimits.CountsBeyondTheLargestDeviceAreRefused"},
    {"2", "| uuid |", "PaloAltoTraps.NothingIsWrittenThatBelongsToTheDevice"},
    {"2", "XML file name", "PaloAltoLimits.TheFileKeepsANameThatCanBeImported"},
    {"2", "custom applications per vsys", "PaloAltoTraps.SixThousandApplications"},

    {"5", "capirca #270", "PaloAlto.GivesAServiceToEveryProtocolOfARule"},
    {"5", "capirca #272", "PaloAlto.KeepsPortsAndApplicationsApart"},
    {"5", "capirca #273", "PaloAlto.RefusesIcmpCodesAndMostProtocols"},
    {"5", "capirca #269", "PaloAltoTraps.NothingIsWrittenThatBelongsToTheDevice"},
    {"5", "capirca PR #282", "PaloAlto.AnyOfOneFamilyIsNotAny"},
    {"5", "pan-os-python #211", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"5", "panos #435", "PaloAlto.GivesExactNamesToAddressesAndWildcardsToCategories"},
    {"5", "panos #499", "PaloAltoTraps.ALostCategoryIsFound"},
    {"5", "panos #465", "PaloAlto.MapsEveryRuleBackInOrder"},
    {"5", "panos #214", "none: URL lists are not written"},
    {"5", "panos #243", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"5", "pan-os-ansible #642", "PaloAltoTraps.NothingIsWrittenThatBelongsToTheDevice"},
    {"5", "pan-os-php #643", "PaloAlto.KeepsNamesShortAndApart"},
    {"5", "pan-scm-sdk #207", "PaloAltoLimits.NamesAndTextsEndAtTheirLimits"},
    {"5", "configpump-plugin #12", "PaloAltoLimits.TheFileKeepsANameThatCanBeImported"},
    {"5", "**upper case** did not match", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"5", "does not reject duplicate group members", "PaloAltoLimits.ValuesHaveTheirForms"},
    {"5", "IPv6: device setting", "PaloAltoCommandsHead.WarnOfWhatVersionsAndSettingsDo"},
};

TEST(PaloAltoNotes, EveryLimitAndPitfallHasATest) {
  test::expect_covered("palo-alto.md", {"2", "5"}, palo_alto_covered);
}

/// The sample's file with one change, as the proof sees it.
std::string with(const std::string& from, const std::string& to) {
  World world;
  sample(world);
  Emission emission = world.emit();
  std::string& text = emission.artefacts.at(0).text;
  EXPECT_EQ(difference(backend(), world.device(), emission).value_or(""), "");
  const auto at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << from;
  } else {
    text.replace(at, from.size(), to);
  }
  return difference(backend(), world.device(), emission).value_or("");
}

std::string entries(int count, const std::string& name) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += "<entry name=\"" + name + std::to_string(i) + "\"></entry>";
  }
  return out;
}

TEST(PaloAltoTraps, TenThousandTags) {
  EXPECT_NE(with("<tag>", "<tag>" + entries(10'000, "hcipol-x")).find("too many of them"),
            std::string::npos);
}

TEST(PaloAltoTraps, SixThousandApplications) {
  EXPECT_NE(
      with("<application>", "<application>" + entries(6'416, "hci-x")).find("too many of them"),
      std::string::npos);
}

TEST(PaloAltoTraps, DynamicGroupsAreNotKnown) {
  EXPECT_NE(with("<static>", "<dynamic><filter>'hcipol'</filter></dynamic><static>"), "");
}

// Without its category, a rule would let every host pass.
TEST(PaloAltoTraps, ALostCategoryIsFound) {
  EXPECT_NE(with("<member>hci-prod-hci-update</member>", "<member>any</member>"), "");
  EXPECT_NE(with("<category>", "<kategory>"), "");
}

TEST(PaloAltoTraps, MoreThanThirtyListsAreNoted) {
  const auto said = [](int tags) {
    World world;
    world.cluster().cloud = "public";
    world.servers("10.1.0.11");
    world.option("service_tags", "edl");
    world.option("edl_url", "https://edl.example/{tag}");
    for (int i = 0; i < tags; ++i) {
      const std::string tag = "Tag" + std::to_string(i);
      NamedSet& set = world.set(Kind::endpoint, tag);
      set.tag = tag;
      set.set.names = net::DomainSet(NamedSet::tag_name(tag));
      world.allow("main/a.r" + std::to_string(i), {world.servers()}, {&set}, tcp(443));
    }
    world.emit();
    EXPECT_FALSE(world.failed());
    std::string out;
    for (const std::string& line : world.messages()) out += line + "\n";
    return out;
  };
  EXPECT_EQ(said(30).find("external dynamic lists"), std::string::npos);
  EXPECT_NE(said(31).find("31 external dynamic lists; a device holds 30"), std::string::npos);
}

TEST(PaloAltoTraps, NothingIsWrittenThatBelongsToTheDevice) {
  World world;
  sample(world);
  const Emission emission = world.emit();
  for (const Artefact& artefact : emission.artefacts) {
    for (const char* word : {"uuid=", "hip-profiles", "source-hip", "admin=", "dirtyId",
                             "time=", "audit-comment", "source-port", "\ncommit", "<commit>"}) {
      EXPECT_EQ(artefact.text.find(word), std::string::npos) << artefact.path << " " << word;
    }
  }
  EXPECT_NE(with("<entry name=\"prod-main-admin.rdp\"",
                 "<entry name=\"prod-main-admin.rdp\" "
                 "uuid=\"01234567-89ab-cdef-0123-456789abcdef\""),
            "");
  EXPECT_NE(with("<port>3389</port>", "<port>3389</port><source-port>1</source-port>"), "");
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing

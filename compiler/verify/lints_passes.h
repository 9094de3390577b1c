// The lints themselves, by what they look at.
#pragma once

#include <vector>

#include "verify/lints_findings.h"

namespace hcipol::verify {

/// W0402, W0403, W0404: rules that other rules make idle. Throws net::NodeLimitExceeded when the
/// rules differ in too many ways.
void find_idle_rules(const Subject& subject, std::vector<Hit>& hits);

/// W0411, W0412, W0413: rules that open much, or to strangers.
void find_wide_rules(const Subject& subject, std::vector<Hit>& hits);

/// W0414: wildcards beside documented names that they take in.
void find_broad_wildcards(const Subject& subject, std::vector<Hit>& hits);

/// W0621, W0622: rules that devices do not see, or do not read as they are meant.
void find_rules_lost_on_devices(const Subject& subject, std::vector<Hit>& hits);

/// W0415: Microsoft Update without the tcp/80 that it needs. Takes the W0403 of the same rules out
/// of `hits`: they say less.
void find_update_without_http(const Subject& subject, std::vector<Hit>& hits, Findings& findings);

/// W0543: exceptions that end within 14 days.
void find_ending_exceptions(const LintInput& input, Findings& findings);

/// W0303: declarations of the policy's own modules that nothing mentions.
void find_unused(const LintInput& input, Findings& findings);

}  // namespace hcipol::verify

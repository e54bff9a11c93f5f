// The manifest as text: JSON <-> Manifest, and the rules a manifest obeys. docs/model_format.md lists every field.
#pragma once

#include <string>
#include <string_view>

#include "format/model_file.h"

namespace sooner {

// The newest version known here. A manifest is written in the oldest that can hold it, so that older readers read what
// they can: 5 where the surest exit so far answers, 4 for a regression and for networks of later operations, 3 where a
// policy has what version 1 lacks (policy_json.h), a calibration record a guarantee or savings of exits, or the
// manifest cost weights, else 2 with a quantisation, else 1.
inline constexpr int kFormatVersion = 5;
int format_version(const Manifest& manifest);

// Members in a fixed order: the same manifest gives the same text. Infinities are written as the strings "inf" and
// "-inf". Throws kInvalidArgument for NaN or text that is not UTF-8.
std::string manifest_to_json(const Manifest& manifest);

// Throws kDataLoss "[place] byte …" unless the text is a manifest of a version known here: nothing missing, nothing
// unknown, everything of its type and range, check_manifest content. `first_byte` is where it stands in its file.
Manifest manifest_from_json(std::string_view text, std::string_view place, size_t first_byte);

// Throws kInvalidArgument naming the field: the graph's rules, one class name per class or a quantity,
// preprocessing that fits the
// input, policies that fit the exits, shares and accuracies within [0, 1], scales of maps the graph has.
void check_manifest(const Manifest& manifest);

}  // namespace sooner

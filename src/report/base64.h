// Base64 (RFC 4648, with padding), for pictures inside a page. Encodes only.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sooner {

std::string encode_base64(std::span<const std::byte> bytes);

}  // namespace sooner

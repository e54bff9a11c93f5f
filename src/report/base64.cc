#include "report/base64.h"

#include <cstdint>
#include <string_view>

namespace sooner {

std::string encode_base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = bytes.size() - i;
    const auto byte = [&](size_t k) { return k < have ? std::to_integer<uint32_t>(bytes[i + k]) : 0U; };
    const uint32_t group = byte(0) << 16U | byte(1) << 8U | byte(2);
    text += kDigits[group >> 18U];
    text += kDigits[group >> 12U & 63U];
    text += have > 1 ? kDigits[group >> 6U & 63U] : '=';
    text += have > 2 ? kDigits[group & 63U] : '=';
  }
  return text;
}

}  // namespace sooner

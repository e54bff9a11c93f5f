#include "core/hash.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

namespace sooner {

uint64_t hash_bytes(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }
uint64_t hash_bytes(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }
std::string hash_hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

struct alignas(64) Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;
void Hasher::add(std::span<const std::byte> bytes) { XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size()); }
void Hasher::add(std::string_view text) { XXH3_64bits_update(&state_->xxh, text.data(), text.size()); }
uint64_t Hasher::value() const { return XXH3_64bits_digest(&state_->xxh); }

}  // namespace sooner

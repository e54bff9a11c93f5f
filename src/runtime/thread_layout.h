// Which of two ways for several threads to share the work of a call is faster (session_group.h): that depends on model,
// machine and how many samples come at once, and is measured.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "runtime/model.h"
#include "runtime/session_group.h"

namespace sooner {

// The faster for calls of `samples` samples with so many threads, timed on noise that nobody leaves with. Takes some
// tenths of a second for a small network.
ThreadLayout measure_thread_layout(const std::shared_ptr<const Model>& model, int32_t threads, int64_t samples);

// What an earlier call measured on this machine (machine_cache.h), `samples` rounded up to a power of two; measures
// when nothing is known.
ThreadLayout thread_layout(const std::shared_ptr<const Model>& model, int32_t threads, int64_t samples,
                           const std::filesystem::path& folder);

}  // namespace sooner

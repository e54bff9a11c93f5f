// Between LibTorch and the rest of the project: tensors copied over, exceptions turned into Error.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/tensor.h"
#include "train/torch_headers.h"

namespace sooner {

// A copy on the CPU, row-major. F32 only; throws kInternal otherwise.
Tensor from_torch(const at::Tensor& tensor);
// A copy on the CPU, row-major. F32 only; throws kInternal otherwise.
at::Tensor to_torch(const Tensor& tensor);

// Overwrites `value` with `saved`'s tensor of this name. Throws kDataLoss, where that is missing or not F32 of this
// shape:
// "[place] what 'name' is …".
void restore(at::Tensor& value, const TensorMap& saved, const std::string& name, std::string_view place,
             std::string_view what);

namespace detail {
// Throws the Error that fits what LibTorch threw: kResourceExhausted when memory ran out, kInternal otherwise.
[[noreturn]] void fail_torch(std::string_view place, const c10::Error& error);
}  // namespace detail

// Calls `work`; nothing of LibTorch's exceptions leaves it.
template <typename Work>
auto guard_torch(std::string_view place, Work&& work) -> std::invoke_result_t<Work> {
  try {
    return std::forward<Work>(work)();
  } catch (const c10::Error& error) {
    detail::fail_torch(place, error);
  }
}

}  // namespace sooner

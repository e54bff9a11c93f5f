// The parts of LibTorch the trainer uses: tensors and their operations, autograd through them, autocast, threads.
// torch/torch.h (modules, optimisers, data) is never included: it would triple the time to compile.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

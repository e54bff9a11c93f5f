// Shapes, element types and tensors: what weights are kept in.
#pragma once

#include "core/dtype.h"
#include "core/shape.h"
#include "core/tensor.h"

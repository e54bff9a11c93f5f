// The binary form of CIFAR-10 and CIFAR-100: records of label bytes and 3,072 channel-major pixels.
//
// Read from the archive itself or from the folder it unpacks to. CIFAR-100 records carry a coarse and a fine label; the
// fine one is used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "data/image_source.h"

namespace sooner {

enum class Cifar { k10, k100 };

struct CifarParts {
  std::shared_ptr<const ImageSource> train, test;
};

// `where` is a .tar.gz (or .tar) archive or a folder with the .bin files. Throws kNotFound naming the part that is
// missing, kDataLoss naming file, byte, got and expected.
CifarParts read_cifar(Cifar kind, const std::filesystem::path& where);

// Always 3x32x32.
Shape cifar_shape();

}  // namespace sooner

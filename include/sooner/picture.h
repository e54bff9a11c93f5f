// Picture files (JPEG, PNG) as pixels of the size that a network takes.
#pragma once

#include "data/image_files.h"
#include "data/picture.h"

// What published files of preprocessing say, for towers that come without one.

/** ImageNet's mean and deviation of each channel. */
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] } as const;

/** DINOv2's: the shorter edge to 256 of 224, the middle cut out. */
export function imagenetCrop(side: number): Record<string, unknown> {
  return {
    image_processor_type: "BitImageProcessor",
    ...imagenet,
    size: { shortest_edge: Math.round((side * 256) / 224) },
    crop_size: { height: side, width: side },
  };
}

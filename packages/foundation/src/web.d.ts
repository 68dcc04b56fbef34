/** Of ES2024: every browser and every Node that we run on knows it. */
interface String {
  isWellFormed(): boolean;
}

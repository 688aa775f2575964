/** OpenAI's sound, for its own adapter and for those that speak its wire. */
export { openaiSpeech } from "./openai-speech.ts";
export { openaiTranscription } from "./openai-transcription.ts";

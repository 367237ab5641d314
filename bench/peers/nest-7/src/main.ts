// The chat as many run it since 2021: NestJS 7 gateway, socket.io 2, socket.io-redis 5.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import {
  OnGatewayConnection, SubscribeMessage, WebSocketGateway, WebSocketServer,
} from '@nestjs/websockets';
import { Server, Socket } from 'socket.io';
import * as redisIoAdapter from 'socket.io-redis';

const JOIN_MSG = process.env.JOIN_MSG !== '0';

@WebSocketGateway({ namespace: 'chat' })
export class ChatGateway implements OnGatewayConnection {
  @WebSocketServer() server: Server;

  handleConnection(client: Socket) {
    if (JOIN_MSG) this.server.emit('msgToClient', { name: 'admin', text: 'join chat.' });
  }
  @SubscribeMessage('msgToServer')
  handleMessage(client: Socket, payload: { name: string; text: string }): void {
    this.server.emit('msgToClient', payload);
  }
  @SubscribeMessage('echo')
  echo(client: Socket, payload: any) { return payload; }
  @SubscribeMessage('join')
  join(client: Socket, room: string) { client.join(room); return 'ok'; }
  @SubscribeMessage('roomMsg')
  roomMsg(client: Socket, payload: { room: string; text: string }): void {
    this.server.to(payload.room).emit('msgToClient', payload);
  }
}

@Module({ providers: [ChatGateway] })
class AppModule {}

class RedisIoAdapter extends IoAdapter {
  createIOServer(port: number, options?: any): any {
    const server = super.createIOServer(port, options);
    if (process.env.REDIS_PORT) {
      server.adapter(redisIoAdapter({
        host: process.env.REDIS_HOST || '127.0.0.1', port: +process.env.REDIS_PORT,
      }));
    }
    return server;
  }
}

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  app.useWebSocketAdapter(new RedisIoAdapter(app));
  await app.listen(+process.env.NODE_PORT || 3000, '127.0.0.1');
}
bootstrap();
